import type { Action, AttemptId, TaskId } from '@groundcrew/protocol';

/** An attempt this agent holds, from the moment it was taken until its folder is gone. */
export interface HeldAttempt {
  attemptId: AttemptId;
  taskId: TaskId;
  action: Action;
}

export type SlotAnswer = { take: true } | { take: false; reason: string };

/**
 * Whether an offer can be taken just now: the agent's own last word. What a pool allows beside an apply is decided by the
 * server, which counts from its rows; the agent only guards its own limit and its own leaving.
 */
export function decideSlot(held: readonly HeldAttempt[], maxConcurrent: number, draining: boolean): SlotAnswer {
  if (draining) return { take: false, reason: 'the agent is draining and takes nothing new' };
  if (held.length >= maxConcurrent) return { take: false, reason: `all ${maxConcurrent} slots of the agent are taken` };
  return { take: true };
}

/** How many more attempts could be taken. */
export const countFreeSlots = (held: readonly HeldAttempt[], maxConcurrent: number, draining: boolean): number =>
  draining ? 0 : Math.max(0, maxConcurrent - held.length);
