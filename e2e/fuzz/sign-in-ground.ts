import type { Client } from '@groundcrew/client';
import { newSecret } from '@groundcrew/kit';
import { API_PREFIX, type UserId } from '@groundcrew/protocol';
import {
  beginSignOn,
  CODE_CHALLENGE,
  type SignOnPlace,
  signOnForCode,
} from '@groundcrew/server/conformance/sign-in-for-tests';
import { newName, type OwnGround } from './own-ground.ts';

/** Somebody who may lose their credential: what signs out must not sign out everybody. */
async function prepareLeaving(client: Client) {
  const { id, name } = await client.call('createUser', { body: { name: newName(), role: 'admin' } });
  const { token } = await client.call('createToken', { body: { name: 'f', user_id: id } });
  return { known: { login: name }, tokens: { user: token } };
}

/** The same with a password. */
async function prepareWithPassword(client: Client) {
  const { known, tokens } = await prepareLeaving(client);
  const password = newSecret();
  await client.call('changePassword', { body: { new_password: password } }, { token: tokens.user });
  return { known: { ...known, password }, tokens };
}

const newSignInToken = async (client: Client, user_id: UserId): Promise<string> =>
  (await client.call('createToken', { body: { name: 'f', kind: 'sign_in', user_id } })).token;

/** A browser that is signed in. */
async function prepareBrowser(client: Client, user_id: UserId) {
  const body = { sign_in_token: await newSignInToken(client, user_id) };
  const answer = await fetch(`${client.baseUrl}${API_PREFIX}/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const { session } = (await answer.json()) as { session: { id: string } };
  return { session: session.id, cookie: answer.headers.getSetCookie()[0]?.split(';')[0] ?? '' };
}

/** The provider knows of one trip at a time: the one that is to be finished is begun last. */
async function prepareSignOn(place: SignOnPlace) {
  const { code = '', code_verifier = '' } = await signOnForCode(place);
  const { cookie = '', state = '' } = await beginSignOn(place);
  return { known: { code, code_verifier, code_challenge: CODE_CHALLENGE, sign_on_state: state }, cookie };
}

/** Who signs in and out in a round, and what with. */
export async function prepareSignIn(client: Client, place: SignOnPlace, user_id: UserId) {
  const somebody = await prepareWithPassword(client);
  const { session } = await prepareBrowser(client, user_id);
  const { cookie } = await prepareBrowser(client, user_id);
  const signOn = await prepareSignOn(place);
  const sign_in_token = await newSignInToken(client, user_id);
  const own: Record<string, OwnGround> = {
    signOut: await prepareLeaving(client),
    changePassword: await prepareWithPassword(client),
    getSession: { known: {}, cookie },
    createSession: { known: { sign_in_token: await newSignInToken(client, user_id) } },
    finishOidc: { known: {}, cookie: signOn.cookie },
  };
  return { known: { ...somebody.known, ...signOn.known, session, sign_in_token }, own };
}
