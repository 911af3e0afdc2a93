import type { RouteAddress } from '@groundcrew/protocol';
import { ApiError, ConnectionError } from './api-error.ts';
import type { CallOptions } from './route-call.ts';

/** Figures of a client's retries; each call decides whether they apply to it. */
export interface RetryFigures {
  /** Tries in all; 5 when not given. */
  tries?: number;
  /** Bound of the first pause; 200 when not given. */
  baseMs?: number;
  /** Longest pause of our own choosing; 5,000 when not given. A longer Retry-After is honoured. */
  capMs?: number;
}

/** What one call's retries are bound by. */
export interface RetryRule {
  /** Doing it twice does no harm. */
  repeatable: boolean;
  /** Tries in all. */
  tries: number;
  /** Faults of the server are taken for passing ones too. */
  patient: boolean;
}

const METHODS_SAFE_TO_REPEAT = new Set(['GET', 'PUT', 'DELETE']);
const PASSING_STATUSES = new Set([408, 429, 502, 503, 504]);

/** @param tries of the client, for calls that do not say otherwise */
export function decideRetry(route: RouteAddress, { retry, idempotencyKey }: CallOptions, tries: number): RetryRule {
  if (retry === 'never') return { repeatable: false, tries: 1, patient: false };
  if (retry === 'until_answered') return { repeatable: true, tries: Number.POSITIVE_INFINITY, patient: true };
  const safe = retry === 'idempotent' || idempotencyKey !== undefined || METHODS_SAFE_TO_REPEAT.has(route.method);
  return { repeatable: safe, tries, patient: false };
}

/** Whether the same request may be answered otherwise at another time; every other refusal is the server's last word. */
export const mayPass = ({ status }: ApiError): boolean => PASSING_STATUSES.has(status) || status >= 500;

/** Whether another try can help, and may be made. */
export function mayTryAgain(error: unknown, { repeatable, patient }: RetryRule): boolean {
  if (error instanceof ConnectionError) return repeatable || !error.maybeSent;
  if (!(error instanceof ApiError)) return false;
  // A rate limit is told before anything was done.
  if (error.status === 429) return true;
  // A conflict with whoever else uses the same key passes, and says when to come back.
  const passes = PASSING_STATUSES.has(error.status) || error.retryAfterMs !== undefined;
  return repeatable && (passes || (patient && error.status === 500));
}
