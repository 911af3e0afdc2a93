/** When to send. All tunable. */
export interface Pace {
  /** This much is sent at once, whatever the time. */
  readonly batchBytes: number;
  /** Milliseconds between sends when nobody watches: what comes is gathered for that long. */
  readonly quietIntervalMs: number;
  /** Milliseconds between sends while somebody watches: what comes after a pause is sent at once. */
  readonly watchedIntervalMs: number;
}

export const DEFAULT_PACE: Pace = { batchBytes: 256 * 1024, quietIntervalMs: 1_000, watchedIntervalMs: 50 };

const PROMPT_MS = 250;

/** An interval this short means that somebody watches. */
export function isWatched(intervalMs: number): boolean {
  return intervalMs <= PROMPT_MS;
}

export interface SendingState {
  readonly now: number;
  /** Bytes that wait. */
  readonly bytes: number;
  /** When the oldest of them came. */
  readonly waitingSince: number;
  readonly lastSentAt: number;
  readonly intervalMs: number;
  /** Nothing more will come. */
  readonly ended: boolean;
}

/** Milliseconds until the next send; undefined when there is nothing to send. */
export function dueInMs(state: SendingState, batchBytes: number): number | undefined {
  const { now, bytes, waitingSince, lastSentAt, intervalMs, ended } = state;
  if (bytes === 0) return undefined;
  if (ended || bytes >= batchBytes) return 0;
  const since = isWatched(intervalMs) ? lastSentAt : waitingSince;
  return Math.max(0, since + intervalMs - now);
}
