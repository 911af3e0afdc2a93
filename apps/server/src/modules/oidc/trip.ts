import { createHash, timingSafeEqual } from 'node:crypto';
import { newSecret, sha256Hex } from '@groundcrew/kit';
import { OidcStartQuery } from '@groundcrew/protocol';

/** Where a browser goes in the end, if not to the console: a CLI's loopback address, and the challenge of its code. */
export interface Errand {
  readonly redirect: string;
  readonly codeChallenge: string;
}

/**
 * A browser's way to the provider and back. Everything that must come back unchanged is made from one secret, which stays in the
 * browser's cookie: the server keeps nothing until the person is known, and who lacks the cookie cannot end what another began.
 */
export interface Trip {
  readonly cookie: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly errand: Errand | undefined;
}

export const TRIP_SECONDS = 600;

export const beginTrip = (nowMs: number, errand: Errand | undefined): Trip =>
  toTrip(`${newSecret()}.${Math.floor(nowMs / 1000)}.${encode(errand ?? null)}`, errand);

/** The trip a cookie belongs to, if the state that came back is that of this very trip and it has not taken too long. */
export function findTrip(cookie: string | undefined, state: string | undefined, nowMs: number): Trip | undefined {
  if (cookie === undefined || state === undefined) return undefined;
  const [, begun, packed = ''] = /^[\w-]{43}\.(\d{1,12})\.([\w-]+)$/.exec(cookie) ?? [];
  const age = nowMs / 1000 - Number(begun);
  if (begun === undefined || !(age >= -1 && age <= TRIP_SECONDS)) return undefined;
  const errand = decode(packed);
  if (errand === null) return undefined;
  const trip = toTrip(cookie, errand);
  return isSame(trip.state, state) ? trip : undefined;
}

/** 256 bits each, none of which tells another: the state and the nonce travel through the browser's address bar. */
const toTrip = (cookie: string, errand: Errand | undefined): Trip => ({
  cookie,
  state: derive(cookie, 'state'),
  nonce: derive(cookie, 'nonce'),
  codeVerifier: derive(cookie, 'code verifier'),
  errand,
});

const derive = (cookie: string, what: string): string =>
  createHash('sha256').update(`${what}:${cookie}`).digest('base64url');

const encode = (errand: Errand | null): string => Buffer.from(JSON.stringify(errand)).toString('base64url');

/**
 * Checked again when it comes back: the cookie is not signed, and one that somebody planted must not take the code elsewhere than
 * to this very host. Undefined for none; null for one that was made up.
 */
function decode(packed: string): Errand | undefined | null {
  try {
    const errand = JSON.parse(Buffer.from(packed, 'base64url').toString()) as Errand | null;
    if (errand === null) return undefined;
    const { redirect, code_challenge } = OidcStartQuery.required().parse({
      redirect: errand.redirect,
      code_challenge: errand.codeChallenge,
    });
    return { redirect, codeChallenge: code_challenge };
  } catch {
    return null;
  }
}

function isSame(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(sha256Hex(a)), Buffer.from(sha256Hex(b)));
}
