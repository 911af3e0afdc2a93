import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

export interface BackOff {
  /** Bound of the first pause; doubles from failure to failure. */
  baseMs: number;
  /** No pause is longer. */
  capMs: number;
}

/**
 * How long to pause after the `failures`-th failure in a row (1, 2, …): between half and all of `baseMs · 2^(failures-1)`,
 * never above the cap. The dice keep a fleet that lost its server together from coming back together.
 */
export function backOffMs(failures: number, { baseMs, capMs }: BackOff, random: Random): number {
  const bound = Math.min(capMs, baseMs * 2 ** Math.min(failures - 1, 52));
  return Math.round(bound * (0.5 + random() / 2));
}

export interface RetryOptions {
  clock: Clock;
  random: Random;
  /** Bound of the first pause. */
  baseMs: number;
  /** Longest pause of our own choosing; 5,000 when not given. */
  capMs?: number;
  /** Ends the waiting: the retry rejects with the signal's reason. A try that runs is left to heed the signal itself. */
  signal?: AbortSignal;
  /** Whether trying again can help; everything is tried again when not given. */
  isRetryable?: (error: unknown) => boolean;
  /** What the far side asked to wait (`Retry-After`); a longer wish than our own pause is granted, even above the cap. */
  retryAfterMs?: (error: unknown) => number | undefined;
  /** Told of each failure that will be tried again. */
  onRetry?: (error: unknown, failures: number, pauseMs: number) => void;
}

/** Calls `fn` until it succeeds, fails for good (that error is thrown) or the signal aborts. Never gives up by itself. */
export async function retry<T>(fn: (failures: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock, random, baseMs, capMs = 5_000, signal, isRetryable = () => true } = options;
  for (let failures = 0; ; ) {
    signal?.throwIfAborted();
    try {
      return await fn(failures);
    } catch (error) {
      if (signal?.aborted || !isRetryable(error)) throw error;
      failures += 1;
      const pauseMs = Math.max(backOffMs(failures, { baseMs, capMs }, random), options.retryAfterMs?.(error) ?? 0);
      options.onRetry?.(error, failures, pauseMs);
      await clock.sleep(pauseMs, signal);
    }
  }
}
