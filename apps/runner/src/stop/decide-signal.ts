import type { CancelLevel } from '@groundcrew/protocol';

/** A SIGINT in the journal. */
interface JournaledInterrupt {
  at: number;
  /** Written down by an earlier runner, which may have died before it sent it. */
  inherited: boolean;
}

/** Everything that counts for the question whether Terraform is to be signalled now. Times in milliseconds of one clock. */
export interface StopSituation {
  /** An apply changes real things and is never killed but by a person's word; all other commands may be. */
  applying: boolean;
  /** How hard the task is being stopped. */
  level: CancelLevel;
  /** The attempt has lost its right to act. */
  fenced: boolean;
  /** The command's time is up. */
  timedOut: boolean;
  /** Terraform's start; undefined while its pid is not known. */
  startedAt: number | undefined;
  /** The SIGINTs of this command, oldest first. */
  interrupts: readonly JournaledInterrupt[];
  /** Terraform says in its output that it was interrupted. */
  acknowledged: boolean;
  killed: boolean;
  now: number;
}

/** `send` now; `wait` until then and decide again; `rest`: nothing to do until something changes. */
export type StopStep = { do: 'send'; signal: 'SIGINT' | 'SIGKILL' } | { do: 'wait'; until: number } | { do: 'rest' };

/** Before this age Terraform may not listen for signals yet and would die of one instead of stopping in order. @internal */
export const MIN_AGE_MS = 250;
/** A plan that goes on after SIGINT gets the second one after this, and SIGKILL another {@link PLAN_LEVEL_3_MS} later. @internal */
export const PLAN_LEVEL_2_MS = 30_000;
/** @internal */
export const PLAN_LEVEL_3_MS = 10_000;
/** SIGINT makes Terraform save its state at once, so a kill is never without one this long before. @internal */
export const BEFORE_KILL_MS = 1_000;
/** A successor sends an inherited SIGINT again only if Terraform has not answered it in this time. @internal */
export const ACKNOWLEDGE_MS = 10_000;

const INTERRUPT = { do: 'send', signal: 'SIGINT' } as const;
const KILL = { do: 'send', signal: 'SIGKILL' } as const;
const REST = { do: 'rest' } as const;

/**
 * One SIGINT in all, whatever the reasons: a second one makes Terraform drop what it is doing. Only a plan goes further by
 * itself; an apply does so only at the word of a person with force (levels 2 and 3).
 */
export function decideSignal(s: StopSituation): StopStep {
  if (s.level === 0 && !s.fenced && !s.timedOut) return REST;
  if (s.killed || s.startedAt === undefined) return REST;
  const [first, second] = s.interrupts.filter((interrupt) => !interrupt.inherited || s.acknowledged);
  if (first === undefined) return sendAt(firstInterruptTime(s, s.startedAt), INTERRUPT, s.now);
  const level = wantedLevel(s, first.at);
  if (level === 3) return sendAt(first.at + BEFORE_KILL_MS, KILL, s.now);
  if (level === 2 && second === undefined) return INTERRUPT;
  if (s.applying) return REST;
  return { do: 'wait', until: first.at + PLAN_LEVEL_2_MS + (level === 2 ? PLAN_LEVEL_3_MS : 0) };
}

/** A doubtful SIGINT is given time to show, unless somebody wants more than that one anyway. */
function firstInterruptTime(s: StopSituation, startedAt: number): number {
  const inherited = s.interrupts.at(-1);
  if (inherited !== undefined && s.level < 2) return inherited.at + ACKNOWLEDGE_MS;
  return startedAt + MIN_AGE_MS;
}

function wantedLevel(s: StopSituation, firstAt: number): number {
  if (s.applying) return Math.max(s.level, 1);
  if (s.fenced) return 3;
  const since = s.now - firstAt;
  if (since >= PLAN_LEVEL_2_MS + PLAN_LEVEL_3_MS) return 3;
  return Math.max(s.level, since >= PLAN_LEVEL_2_MS ? 2 : 1);
}

const sendAt = (time: number, step: StopStep, now: number): StopStep =>
  now >= time ? step : { do: 'wait', until: time };
