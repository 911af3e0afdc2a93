import type { Aggregate, Attempt, Instant, Task } from './aggregate.ts';
import { openAttempt } from './rules.ts';

/** A moment at which something happens unless something else happens before. */
export interface Deadline {
  readonly rule: 'offer' | 'silence' | 'timeout' | 'stop' | 'settle' | 'plan_life';
  readonly at: Instant;
}

/** Every deadline the aggregate is under. A task that needs a person has none: it waits for that person. */
function deadlinesOf(aggregate: Aggregate): Deadline[] {
  const { task } = aggregate;
  const attempt = openAttempt(aggregate);
  const found = attempt ? attemptDeadlines(attempt, task) : planDeadlines(task);
  return found.filter((deadline): deadline is Deadline => deadline.at !== null);
}

interface Possible {
  readonly rule: Deadline['rule'];
  readonly at: Instant | null;
}

/** At the same moment silence goes before a cancel: a lost contact is the more telling verdict. */
function attemptDeadlines(attempt: Attempt, task: Task): Possible[] {
  if (attempt.state === 'offered') return [{ rule: 'offer', at: attempt.offerExpiresAt }];
  if (task.status !== 'running') return [];
  if (attempt.state === 'exited') return [{ rule: 'settle', at: attempt.settleBy }];
  return [
    { rule: 'silence', at: attempt.giveUpAt },
    { rule: 'stop', at: attempt.stopBy },
    { rule: 'timeout', at: task.cancelLevel === 0 ? attempt.timeoutAt : null },
  ];
}

const planDeadlines = (task: Task): Possible[] =>
  task.plan && (task.status === 'awaiting_approval' || task.status === 'pending')
    ? [{ rule: 'plan_life', at: task.plan.expiresAt }]
    : [];

/** The first deadline with its rule. */
export const nextDeadlineOf = (aggregate: Aggregate): Deadline | undefined =>
  deadlinesOf(aggregate).reduce<Deadline | undefined>(
    (first, deadline) => (first && first.at <= deadline.at ? first : deadline),
    undefined,
  );

/**
 * When to send the next `tick`; null when only somebody's action moves the aggregate on. Kept as a column for the sweeper. Ask it
 * only of an aggregate that was read with the task's open attempt.
 */
export const nextDeadline = (aggregate: Aggregate): Instant | null => nextDeadlineOf(aggregate)?.at ?? null;

/** The columns of an attempt that move after an outage of the server. */
const ATTEMPT_DEADLINES = [
  'offerExpiresAt',
  'leaseUntil',
  'giveUpAt',
  'timeoutAt',
  'stopBy',
  'settleBy',
] as const satisfies readonly (keyof Attempt)[];

/** Moves every deadline: what SQL does to all rows at once after an outage. @internal */
export function shiftDeadlines(aggregate: Aggregate, byMs: number): Aggregate {
  const { task, attempt } = aggregate;
  const moved = task.plan ? { ...task, plan: { ...task.plan, expiresAt: task.plan.expiresAt + byMs } } : task;
  if (!attempt || attempt.state === 'ended') return { ...aggregate, task: moved };
  const shifted = ATTEMPT_DEADLINES.map((column) => [column, attempt[column] === null ? null : attempt[column] + byMs]);
  return { ...aggregate, task: moved, attempt: { ...attempt, ...Object.fromEntries(shifted) } };
}
