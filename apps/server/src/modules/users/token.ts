import { newSecret, sha256Hex } from '@groundcrew/kit';

/** `api` is used with every call; `sign_in` is traded once for an API token. */
export type TokenKind = 'api' | 'sign_in';

const PREFIXES: Readonly<Record<TokenKind, string>> = { api: 'gct_', sign_in: 'gcs_' };
/** 32 random bytes as base64url. */
const SECRET = /^[A-Za-z0-9_-]{43}$/;

/** A new token: its text, to be shown once, and the hash that is kept. */
export function newToken(kind: TokenKind): { text: string; hash: string } {
  const text = `${PREFIXES[kind]}${newSecret()}`;
  return { text, hash: sha256Hex(text) };
}

/** The hash of a token of this kind; undefined for what cannot be one, which then costs no look into the database. */
export function findTokenHash(kind: TokenKind, text: string): string | undefined {
  const isWellFormed = text.startsWith(PREFIXES[kind]) && SECRET.test(text.slice(PREFIXES[kind].length));
  return isWellFormed ? sha256Hex(text) : undefined;
}
