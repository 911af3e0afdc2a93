import type { Checkpoint } from './spool-journal.ts';

/** Raw bytes between two kept checkpoints, at least. Going back costs at most this much masking. @internal */
export const CHECKPOINT_SPACING = 1024 * 1024;

/** Raw bytes kept behind what the server has acknowledged, in case it forgets some of it (a restored database). @internal */
export const KEEP_BEHIND = 8 * 1024 * 1024;

/** A row of places to go back to, oldest first. */
export interface Checkpoints {
  /** Keeps it, unless the newest one kept is near. */
  offer(checkpoint: Checkpoint): void;
  /** The newest one at or before a masked offset; undefined when the raw bytes it would need are given up. */
  find(maskedOffset: number): Checkpoint | undefined;
  /** Forgets what is not needed once the server has `acknowledged` bytes. Gives the ones left. */
  prune(acknowledged: number): readonly Checkpoint[];
  newest(): Checkpoint;
}

/** @param first where the stream begins, or goes on */
export function createCheckpoints(first: readonly [Checkpoint, ...Checkpoint[]]): Checkpoints {
  let kept: readonly Checkpoint[] = first;
  const newest = () => kept.at(-1) as Checkpoint;
  const find = (maskedOffset: number) => kept.findLast((checkpoint) => checkpoint.maskedOffset <= maskedOffset);

  return {
    newest,
    find,
    offer(checkpoint) {
      if (checkpoint.rawOffset >= newest().rawOffset + CHECKPOINT_SPACING) kept = [...kept, checkpoint];
    },
    prune(acknowledged) {
      const reached = find(acknowledged)?.rawOffset ?? 0;
      const oldest = kept.findLastIndex(({ rawOffset }) => rawOffset <= reached - KEEP_BEHIND);
      kept = kept.slice(Math.max(0, oldest));
      return kept;
    },
  };
}
