import { createLatch, type Logger } from '@groundcrew/kit';
import type { Follower } from './follow.ts';
import type { Growth } from './growth.ts';
import type { Tap } from './ports.ts';
import type { WriteTimes } from './write-times.ts';

/**
 * Reads ahead of the sender and never waits for the server: notes when what was written, and feeds the tap, so that
 * progress is known and times are right also through an outage. The bytes come from the page cache a second time.
 */
export interface Scout {
  /** Resolves when the tap has seen the last byte, or when the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Something was written, or the writer ended. */
  look(): void;
}

export interface ScoutOptions {
  readonly follower: Follower;
  readonly growth: Pick<Growth, 'arm'>;
  readonly times: WriteTimes;
  readonly tap: Tap | undefined;
  readonly logger: Logger;
}

const READ_BYTES = 256 * 1024;
/** Pause after each look at a growing file: short enough for a progress line, long enough to cost nothing. */
const GAP_MS = 100;
const POLL_MS = 1_000;

export function createScout({ follower, growth, times, tap, logger }: ScoutOptions): Scout {
  const latch = createLatch();

  /** Reads what is there; false when that was nothing. */
  async function readAll(): Promise<boolean> {
    let found = false;
    for (let chunk = await follower.read(READ_BYTES); chunk.length > 0; chunk = await follower.read(READ_BYTES)) {
      found = true;
      times.note(follower.position());
      tap?.push(chunk);
    }
    return found;
  }

  async function rest(found: boolean, signal: AbortSignal): Promise<void> {
    if (found) return void (await latch.next(GAP_MS, signal));
    await times.save();
    growth.arm();
    if (!(await readAll())) await latch.next(POLL_MS, signal);
  }

  /** A trouble with one look must not end the looking. */
  async function look(signal: AbortSignal): Promise<void> {
    try {
      const found = await readAll();
      if (!follower.ended()) await rest(found, signal);
    } catch (err) {
      logger.warn({ err }, 'the raw log cannot be read along; trying again');
      await latch.next(POLL_MS, signal);
    }
  }

  return {
    async run(signal) {
      while (!signal.aborted && !follower.ended()) await look(signal);
      if (signal.aborted) return;
      tap?.end();
      await times.save();
    },
    look: latch.wake,
  };
}
