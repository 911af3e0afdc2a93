import type { RunTask } from '@groundcrew/protocol';
import { type Crew, findByAttempt, listHeld } from './crew.ts';

/** `known`: the same offer again, which is being taken or was taken already. */
export type OfferChoice = { do: 'take' } | { do: 'reject'; reason: string } | { do: 'known' };

/**
 * Whether an offer can be taken just now: the agent's own last word. What a pool allows beside an apply is decided by the
 * server, which counts from its rows; the agent only guards its own limit and its own leaving.
 */
export function decideOffer(crew: Crew, order: RunTask): OfferChoice {
  if (findByAttempt(crew, order.attempt.id) !== undefined) return { do: 'known' };
  if (crew.mode !== 'serving') return { do: 'reject', reason: 'the agent is draining and takes nothing new' };
  if (countFreeSlots(crew) > 0) return { do: 'take' };
  return { do: 'reject', reason: `all ${crew.maxConcurrent} slots of the agent are taken` };
}

/** How many more attempts could be taken. What was adopted may be more than the limit, when that was lowered. */
export const countFreeSlots = (crew: Crew): number =>
  crew.mode === 'serving' ? Math.max(0, crew.maxConcurrent - listHeld(crew).length) : 0;
