import type { Member } from './roster.ts';
import type { WaitingTask } from './snapshot.ts';

export interface SearchParts {
  readonly members: readonly Member[];
  readonly isFull: (member: Member) => boolean;
  /** Whether this very task may not go to it. */
  readonly isBarred: (member: Member, task: WaitingTask) => boolean;
  readonly rankOf: (member: Member) => number;
  /** Where to begin instead of taking turns: from 0 up to 1. */
  readonly dice: (() => number) | undefined;
}

/** Finds who gets the task: the lowest rank, and among equals the first after the place that was last given something. */
export type Search = (task: WaitingTask, last: number) => Member | undefined;

/**
 * Room only shrinks and ranks only rise during a pass. So whoever is full is dropped for good, and the lowest rank of a whole
 * round ends the next search as soon as it is met again: ten thousand tasks for a thousand agents are no quadratic matter.
 */
export function createSearch({ members, isFull, isBarred, rankOf, dice }: SearchParts): Search {
  let open = members;
  let floor = Number.NEGATIVE_INFINITY;
  const beginAfter = (last: number): number =>
    dice
      ? Math.floor(dice() * open.length)
      : Math.max(
          open.findIndex(({ place }) => place > last),
          0,
        );
  return (task, last) => {
    const from = beginAfter(last);
    let best: Member | undefined;
    let lowest = Number.POSITIVE_INFINITY;
    const met = { full: false, barred: false };
    for (let i = 0; i < open.length && lowest > floor; i++) {
      const member = open[(from + i) % open.length] as Member;
      if (isFull(member)) met.full = true;
      else if (isBarred(member, task)) met.barred = true;
      else {
        const rank = rankOf(member);
        if (rank < lowest) [best, lowest] = [member, rank];
      }
    }
    if (met.full) open = open.filter((member) => !isFull(member));
    if (!met.barred) floor = lowest;
    return best;
  };
}
