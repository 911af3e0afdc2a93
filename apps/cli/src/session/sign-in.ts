import { hostname } from 'node:os';
import { ApiError, type Client } from '@groundcrew/client';
import type { ApiTokenCreated, Me, SignIn } from '@groundcrew/protocol';
import { CliError } from '../cli-error.ts';
import type { Profile } from './profile.ts';

/** First letters of a one-time sign-in token and of an API token. */
const SIGN_IN_PREFIX = 'gcs_';
const API_PREFIX = 'gct_';

/** The part of a profile that says who we are. */
export type Credential = Pick<Profile, 'token' | 'token_id' | 'user'>;
/** A client with that token, or without any. */
type ClientOf = (token?: string) => Client;

/**
 * Makes a credential of whatever token somebody has: trades a one-time sign-in token for an API token of this machine's own, or
 * takes an API token as it is. Either way the server is asked whether it works.
 */
export async function signIn(token: string, clientOf: ClientOf): Promise<Credential> {
  const isOneTime = token.startsWith(SIGN_IN_PREFIX);
  if (!isOneTime && !token.startsWith(API_PREFIX))
    throw new CliError(
      `This is no token of a person: such tokens begin with ${SIGN_IN_PREFIX} (one-time sign-in) or ${API_PREFIX} (API).`,
      { code: 'bad_token' },
    );
  if (isOneTime) return signInWith({ sign_in_token: token }, clientOf);
  try {
    const me = await clientOf(token).call('getMe');
    return { token, user: nameOf(me) };
  } catch (error) {
    return explain(error, 'The server does not know this token: it is mistyped, revoked or expired.');
  }
}

/** What proves who somebody is, and is traded for an API token of this machine's own. */
type Proof = SignIn extends infer P ? (P extends { token_name?: unknown } ? Omit<P, 'token_name'> : never) : never;

export async function signInWith(proof: Proof, clientOf: ClientOf): Promise<Credential> {
  try {
    const { token, id } = await trade(proof, clientOf());
    const me = await clientOf(token).call('getMe');
    return { token, token_id: id, user: nameOf(me) };
  } catch (error) {
    return explain(error);
  }
}

function explain(error: unknown, sentence?: string): never {
  if (!(error instanceof ApiError) || error.code !== 'unauthenticated') throw error;
  throw new CliError(sentence ?? error.message, { code: error.code });
}

const nameOf = ({ user, client }: Me): string => (user ?? client)?.name ?? 'nobody';

const trade = (proof: Proof, client: Client): Promise<ApiTokenCreated> =>
  client.call('signIn', { body: { ...proof, token_name: `command line on ${hostname()}`.slice(0, 90) } as SignIn });

/** The API token that a one-time sign-in token is good for. */
export const tradeToken = (signInToken: string, client: Client): Promise<ApiTokenCreated> =>
  trade({ sign_in_token: signInToken }, client);
