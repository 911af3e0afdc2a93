import type { IncomingHttpHeaders } from 'node:http';

/** What a request proves with who makes it. */
export type Credential =
  | { readonly kind: 'bearer'; readonly token: string }
  /** A browser's: sent along by it whoever made it send the request. `cookie` is the name it came under. */
  | { readonly kind: 'session'; readonly token: string; readonly cookie: string }
  | { readonly kind: 'app_key'; readonly key: string; readonly secret: string };

/** Longer than any credential; what exceeds it is not looked up. */
const MAX_CREDENTIAL_LENGTH = 4096;
/** The cookie of a signed-in browser. The prefix makes browsers refuse one that was not set for this host, over TLS, for `/`. */
export const SESSION_COOKIES = ['__Host-groundcrew', 'groundcrew'] as const;

/** What comes with a request; an `Authorization` header counts before an application key, and both before a cookie. */
export function findCredential(headers: IncomingHttpHeaders): Credential | undefined {
  const token = findBearer(headers.authorization);
  if (token !== undefined) return { kind: 'bearer', token };
  const [key, secret] = [headers['x-app-key'], headers['x-app-secret']];
  if (isShort(key) && isShort(secret)) return { kind: 'app_key', key, secret };
  return headers.authorization === undefined ? findSession(headers.cookie) : undefined;
}

const isShort = (value: string | string[] | undefined): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= MAX_CREDENTIAL_LENGTH;

/** The token of an `Authorization: Bearer …` header. */
export function findBearer(header: string | undefined): string | undefined {
  if (header === undefined || header.length > MAX_CREDENTIAL_LENGTH) return undefined;
  return /^Bearer +([^\s]+)$/i.exec(header)?.[1];
}

function findSession(header: string | undefined): Credential | undefined {
  for (const cookie of SESSION_COOKIES) {
    const token = findCookie(header, cookie);
    if (token !== undefined) return { kind: 'session', token, cookie };
  }
  return undefined;
}

/** The value of a cookie; the first one when a request carries several of the name. */
export function findCookie(header: string | undefined, name: string): string | undefined {
  for (const part of (header ?? '').slice(0, MAX_CREDENTIAL_LENGTH * 2).split(';')) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return undefined;
}
