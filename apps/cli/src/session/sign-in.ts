import { hostname } from 'node:os';
import { ApiError, type Client } from '@groundcrew/client';
import type { ApiTokenCreated, Me } from '@groundcrew/protocol';
import { CliError } from '../cli-error.ts';
import type { Profile } from './profile.ts';

/** First letters of a one-time sign-in token and of an API token. */
const SIGN_IN_PREFIX = 'gcs_';
const API_PREFIX = 'gct_';

/** The part of a profile that says who we are. */
export type Credential = Pick<Profile, 'token' | 'token_id' | 'user'>;

/**
 * Makes a credential of whatever token somebody has: trades a one-time sign-in token for an API token of this machine's own, or
 * takes an API token as it is. Either way the server is asked whether it works.
 *
 * @param clientOf a client with that token, or without any
 */
export async function signIn(token: string, clientOf: (token?: string) => Client): Promise<Credential> {
  const isOneTime = token.startsWith(SIGN_IN_PREFIX);
  if (!isOneTime && !token.startsWith(API_PREFIX))
    throw new CliError(
      `This is no token of a person: such tokens begin with ${SIGN_IN_PREFIX} (one-time sign-in) or ${API_PREFIX} (API).`,
      { code: 'bad_token' },
    );
  try {
    return isOneTime ? await tradeSignInToken(token, clientOf) : await checkApiToken(token, clientOf);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'unauthenticated') throw error;
    const sentence = isOneTime
      ? error.message
      : 'The server does not know this token: it is mistyped, revoked or expired.';
    throw new CliError(sentence, { code: error.code });
  }
}

const nameOf = ({ user, client }: Me): string => (user ?? client)?.name ?? 'nobody';

async function checkApiToken(token: string, clientOf: (token?: string) => Client): Promise<Credential> {
  const me = await clientOf(token).call('getMe');
  return { token, user: nameOf(me) };
}

async function tradeSignInToken(signInToken: string, clientOf: (token?: string) => Client): Promise<Credential> {
  const { token, id } = await tradeToken(signInToken, clientOf());
  const me = await clientOf(token).call('getMe');
  return { token, token_id: id, user: nameOf(me) };
}

/** The API token that a one-time sign-in token is good for. */
export const tradeToken = (signInToken: string, client: Client): Promise<ApiTokenCreated> =>
  client.call('signIn', {
    body: { sign_in_token: signInToken, token_name: `command line on ${hostname()}`.slice(0, 90) },
  });
