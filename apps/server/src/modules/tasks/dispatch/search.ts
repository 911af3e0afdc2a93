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
export function createSearch(parts: SearchParts): Search {
  const { isFull, dice } = parts;
  let open = parts.members;
  let floor = Number.NEGATIVE_INFINITY;
  /** Those who are open stay in the order of their places. */
  function placeAfter(last: number): number {
    let [low, high] = [0, open.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((open[middle] as Member).place > last) high = middle;
      else low = middle + 1;
    }
    return low === open.length ? 0 : low;
  }
  return (task, last) => {
    const from = dice ? Math.floor(dice() * open.length) : placeAfter(last);
    const round = goRound(parts, open, from, floor, task);
    if (round.metFull) open = open.filter((member) => !isFull(member));
    if (!round.metBarred) floor = round.lowest;
    return round.best;
  };
}

interface Round {
  best: Member | undefined;
  lowest: number;
  metFull: boolean;
  metBarred: boolean;
}

/** Looks at one member after the other until nobody can be better. */
function goRound(parts: SearchParts, open: readonly Member[], from: number, floor: number, task: WaitingTask): Round {
  const round: Round = { best: undefined, lowest: Number.POSITIVE_INFINITY, metFull: false, metBarred: false };
  for (let i = 0; i < open.length && round.lowest > floor; i++) {
    const member = open[(from + i) % open.length];
    if (member) consider(parts, round, member, task);
  }
  return round;
}

function consider({ isFull, isBarred, rankOf }: SearchParts, round: Round, member: Member, task: WaitingTask): void {
  if (isFull(member)) round.metFull = true;
  else if (isBarred(member, task)) round.metBarred = true;
  else {
    const rank = rankOf(member);
    if (rank >= round.lowest) return;
    round.best = member;
    round.lowest = rank;
  }
}
