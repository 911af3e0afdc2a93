import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { sha256Hex } from '@groundcrew/kit';
import { AppError, findBearer } from '../../platform/http/index.ts';

/** Where a request for the metrics comes from. */
export interface Reader {
  /** Of the connection itself, whatever headers say. */
  readonly address: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** Headers of whoever passes a request on: then the connection's address says nothing about who asks. */
const PASSED_ON = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'] as const;

/**
 * Metrics name agents and pools of every organisation, so no user's token opens them. With a token configured that token is
 * needed, from everywhere; without one they are for this machine alone. Errors: `unauthenticated`, `forbidden`.
 */
export function demandMetricsReader({ address, headers }: Reader, token: string | undefined): void {
  if (token !== undefined) {
    if (!isSame(findBearer(headers.authorization), token))
      throw new AppError(
        'unauthenticated',
        'The metrics need their token as "Authorization: Bearer …" (metrics.token).',
      );
    return;
  }
  if (!isLoopback(address) || PASSED_ON.some((name) => headers[name] !== undefined) || !isNamedLoopback(headers.host))
    throw new AppError(
      'forbidden',
      'Without a token the metrics are told on the machine itself only, at a loopback address and through no proxy; set metrics.token (GROUNDCREW_METRICS_TOKEN) to read them from elsewhere.',
    );
}

/** Compares hashes, whose length tells nothing. */
const isSame = (given: string | undefined, token: string): boolean =>
  given !== undefined && timingSafeEqual(Buffer.from(sha256Hex(given)), Buffer.from(sha256Hex(token)));

/** A page in a browser on this machine can make another name lead here; it cannot change the name it asks for. */
function isNamedLoopback(host: string | undefined): boolean {
  const name = (host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return name === 'localhost' || (isIP(name) !== 0 && isLoopback(name));
}

const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && (address === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(address));
