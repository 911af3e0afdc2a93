import type { Clock } from './clock.ts';

/** A clock that stands still until told to move on; for tests. */
export interface FakeClock extends Clock {
  /** Moves time on by `ms`, waking sleepers in the order of their times, each one's continuation before the next one. */
  advance(ms: number): Promise<void>;
  /** How long each call of `sleep` asked for, oldest first. */
  readonly sleeps: readonly number[];
  /** How many sleep just now. */
  readonly sleeping: number;
}

interface Sleeper {
  at: number;
  wake: () => void;
}

/** @param startMs what `now()` says first */
export function createFakeClock(startMs = 0): FakeClock {
  let now = startMs;
  const sleeps: number[] = [];
  const sleepers = new Set<Sleeper>();

  function sleep(ms: number, signal?: AbortSignal): Promise<void> {
    sleeps.push(ms);
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper: Sleeper = { at: now + Math.max(0, ms), wake: resolve };
      sleepers.add(sleeper);
      const onAbort = () => {
        if (sleepers.delete(sleeper)) reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  async function advance(ms: number): Promise<void> {
    const until = now + ms;
    await settle();
    for (let next = findNext(sleepers, until); next !== undefined; next = findNext(sleepers, until)) {
      sleepers.delete(next);
      now = Math.max(now, next.at);
      next.wake();
      await settle();
    }
    now = until;
  }

  return {
    now: () => now,
    sleep,
    advance,
    sleeps,
    get sleeping() {
      return sleepers.size;
    },
  };
}

/** Lets everything run that waits for nothing but promises. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The one to wake next; of equal times the one that slept first, since a set keeps its order. */
function findNext(sleepers: Iterable<Sleeper>, until: number): Sleeper | undefined {
  let next: Sleeper | undefined;
  for (const sleeper of sleepers) {
    if (sleeper.at <= until && (next === undefined || sleeper.at < next.at)) next = sleeper;
  }
  return next;
}
