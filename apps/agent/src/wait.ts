import type { Clock } from '@groundcrew/kit';

/** Sleeps, or returns early when the signal aborts. */
export const sleepQuietly = (clock: Clock, ms: number, signal: AbortSignal): Promise<void> =>
  clock.sleep(ms, signal).catch(() => undefined);
