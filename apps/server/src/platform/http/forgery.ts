import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { sha256Hex } from '@groundcrew/kit';
import { AppError } from './app-error.ts';

/** The header in which a browser repeats the word that only pages of this server can have read. */
const CSRF_HEADER = 'x-csrf-token';

/** That word of a session: made from its secret, so that it is kept nowhere and ends with it. */
export const csrfTokenOf = (sessionSecret: string): string => sha256Hex(`csrf:${sessionSecret}`);

/**
 * Refuses what another site made a browser send: a cookie comes along by itself, the word in the header does not. Reading needs
 * none, since another site cannot see the answer.
 */
export function refuseForged(method: string, headers: IncomingHttpHeaders, sessionSecret: string): void {
  if (method === 'GET' || method === 'HEAD') return;
  const word = headers[CSRF_HEADER];
  if (typeof word === 'string' && isSame(word, csrfTokenOf(sessionSecret))) return;
  throw new AppError(
    'forbidden',
    'A call that is signed in by cookie must bring the csrf_token of its session as X-CSRF-Token; GET /session tells it.',
  );
}

/** A WebSocket cannot bring the word, but browsers say truthfully which page opens it. */
export function refuseForeignPage(headers: IncomingHttpHeaders, publicUrl: string | undefined): void {
  const { origin, host } = headers;
  const own = [`https://${host}`, `http://${host}`, ...(publicUrl === undefined ? [] : [new URL(publicUrl).origin])];
  if (origin !== undefined && own.includes(origin)) return;
  throw new AppError('forbidden', 'A page of another site must not open this socket.');
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
