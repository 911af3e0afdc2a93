import type { Checkpoints } from './checkpoints.ts';
import type { TapSnapshot } from './ports.ts';
import { PUNCH_BLOCK_BYTES, type Puncher } from './punch.ts';
import type { JournalFile } from './spool-journal.ts';

/** Gives raw bytes that nobody needs any more back to the disk. */
export interface Trimmer {
  /** The server has everything before this masked offset. */
  acknowledged(maskedOffset: number): void;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
}

export interface TrimmerOptions {
  readonly checkpoints: Checkpoints;
  readonly journal: JournalFile;
  readonly puncher: Puncher;
  /** Raw bytes before its offset have been read by whoever reads along. */
  readonly seen: () => TapSnapshot;
  /** A trouble on the way; nothing is lost by it. */
  readonly onError: (error: unknown) => void;
}

/**
 * The order matters: first the journal says, durably, from where a successor goes on, then the bytes before that go. So
 * the journal is written once per 8 MiB, and a successor masks at most some 16 MiB again.
 */
export function createTrimmer({ checkpoints, journal, puncher, seen, onError }: TrimmerOptions): Trimmer {
  /** A predecessor may have died before punching: what is a hole already costs nothing to punch again. */
  let trimmedTo = 0;
  let busy: Promise<void> | undefined;

  async function trim(acknowledged: number): Promise<void> {
    const kept = checkpoints.prune(acknowledged);
    const reached = kept[0]?.rawOffset ?? 0;
    if (reached - trimmedTo < PUNCH_BLOCK_BYTES) return;
    const tap = seen();
    const limit = Math.min(reached, tap.offset);
    await journal.change(() => ({ checkpoints: [...kept], tap: { ...tap } }));
    await puncher.punch(trimmedTo, limit);
    trimmedTo = limit;
  }

  return {
    acknowledged(maskedOffset) {
      busy ??= trim(maskedOffset)
        .catch(onError)
        .finally(() => {
          busy = undefined;
        });
    },
    settled: async () => busy,
  };
}
