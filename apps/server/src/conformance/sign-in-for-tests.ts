import { createHash } from 'node:crypto';
import { newId } from '@groundcrew/kit';
import { API_PREFIX } from '@groundcrew/protocol';
import { startLiar } from '../modules/oidc/provider-for-tests.ts';
import type { LiveServer } from '../modules/tasks/live-server-for-tests.ts';

type Values = Record<string, string>;
export type SignOnProvider = Awaited<ReturnType<typeof startLiar>>;
/** A server, and the provider that its people may sign on through. */
export interface SignOnGround extends SignOnPlace {
  readonly server: LiveServer;
}
/** Where a browser goes to sign on, and where that server sends it. */
export interface SignOnPlace {
  readonly server: { readonly url: string };
  readonly provider: SignOnProvider;
}

export const startSignOnProvider = startLiar;

/** Settings of a server whose people may sign on through the provider, and get the lowest role that sees anything. */
export const signOnSettings = ({ url, client_id, client_secret }: SignOnProvider): Record<string, string> => ({
  PUBLIC_URL: 'http://127.0.0.1:18400',
  OIDC_ISSUER: url,
  OIDC_CLIENT_ID: client_id,
  OIDC_CLIENT_SECRET: client_secret,
  OIDC_DEFAULT_ROLE: 'viewer',
});

const PASSWORD = 'a password of the test';
const CODE_VERIFIER = 'v'.repeat(43);
const REDIRECT = 'http://127.0.0.1:5000/';
/** What a CLI sends along for the verifier that it keeps. */
export const CODE_CHALLENGE = createHash('sha256').update(CODE_VERIFIER).digest('base64url');

/** Somebody of their own: these calls end credentials, which must not be those of everybody else. */
async function addUser({ server }: SignOnGround): Promise<Values & { user_id: string; login: string }> {
  const { id, name } = await server.must('createUser', server.owner, { body: { name: newId('it'), role: 'admin' } });
  return { user_id: id, login: name };
}

async function addToken({ server }: SignOnGround, user_id: string, kind: 'api' | 'sign_in'): Promise<string> {
  return (await server.must('createToken', server.owner, { body: { name: 'conformance', kind, user_id } })).token;
}

async function addSession(world: SignOnGround): Promise<Values> {
  const { user_id } = await addUser(world);
  const sign_in_token = await addToken(world, user_id, 'sign_in');
  const { headers, body } = await world.server.call('createSession', '', { body: { sign_in_token } });
  return { user_id, session_id: body.session.id, cookie: cookieOf(headers), csrf_token: body.csrf_token };
}

/** A browser that has left for the provider; `query` says where it wants to come out. */
export async function beginSignOn({ server, provider }: SignOnPlace, query = ''): Promise<Values> {
  const answer = await fetch(`${server.url}${API_PREFIX}/sign-in/oidc${query}`, { redirect: 'manual' });
  const { searchParams } = new URL(answer.headers.get('location') ?? '');
  const name = newId('it');
  const claims = { sub: name, preferred_username: name, email: `${name}@example.com`, email_verified: true };
  provider.prepare({ claims }, searchParams.get('nonce') ?? '');
  return { cookie: cookieOf(answer.headers), state: searchParams.get('state') ?? '' };
}

/** Somebody who has signed on in a browser, to sign a program in: what that program gets and has. */
export async function signOnForCode(world: SignOnPlace): Promise<Values> {
  const query = new URLSearchParams({ redirect: REDIRECT, code_challenge: CODE_CHALLENGE });
  const { cookie = '', state = '' } = await beginSignOn(world, `?${query}`);
  const callback = `${world.server.url}${API_PREFIX}/sign-in/oidc/callback?state=${state}&code=a-code`;
  const { headers } = await fetch(callback, { headers: { cookie }, redirect: 'manual' });
  const code = new URL(headers.get('location') ?? '').searchParams.get('code') ?? '';
  return { code, code_verifier: CODE_VERIFIER };
}

const cookieOf = (headers: Headers): string => headers.getSetCookie()[0]?.split(';')[0] ?? '';

/** What has to be there for the calls with which people get in and out. `user_token` and `cookie` are what these calls are made with. */
export const SIGN_IN_GIVENS: Record<string, (world: SignOnGround) => Promise<Values>> = {
  'a sign-in token': async (world) => {
    const { user_id } = await addUser(world);
    return { sign_in_token: await addToken(world, user_id, 'sign_in') };
  },
  'a user with a token': async (world) => {
    const { user_id } = await addUser(world);
    return { user_token: await addToken(world, user_id, 'api') };
  },
  'a user with a password': async (world) => {
    const { user_id, login } = await addUser(world);
    const user_token = await addToken(world, user_id, 'api');
    await world.server.must('changePassword', user_token, { body: { new_password: PASSWORD } });
    return { user_token, login, password: PASSWORD };
  },
  'a session': addSession,
  'a session of somebody else': async (world) => {
    const { user_id = '', session_id = '' } = await addSession(world);
    return { user_id, session_id };
  },
  'a sign-on under way': (world) => beginSignOn(world),
  'the code of a sign-on': signOnForCode,
};
