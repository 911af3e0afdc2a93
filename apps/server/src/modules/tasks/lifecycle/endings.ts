import type { AttemptOutcome, Reason, TaskStatus } from '@groundcrew/protocol';
import type { Attempt, Instant, Return, Task } from './aggregate.ts';
import { dropPlan } from './approval.ts';
import type { Change, Context } from './change.ts';
import { findApproval, holdsPermit, planIsPresent } from './rules.ts';

const NO_DEADLINES = {
  offerExpiresAt: null,
  leaseUntil: null,
  giveUpAt: null,
  timeoutAt: null,
  stopBy: null,
  settleBy: null,
} as const;

/** Ends the attempt. A permit that was not used is withdrawn with it: a LOCK that was never answered cannot have applied anything. */
export function endAttempt(change: Change, outcome: AttemptOutcome, now: Instant): Change {
  const { attempt, workspace } = change.aggregate;
  if (!attempt) return change;
  const { id: attemptId, agentId } = attempt;
  const withdrawn = attempt.permit === 'live';
  const ended = change
    .attempt({
      state: 'ended',
      outcome,
      endedAt: now,
      permit: withdrawn ? 'withdrawn' : attempt.permit,
      ...NO_DEADLINES,
    })
    .task({ attemptId: null })
    .workspace({ permit: holdsPermit(attempt) ? null : workspace.permit })
    .effect({ kind: 'attempt_ended', agentId, attemptId, outcome }, { kind: 'wake_dispatcher' });
  return withdrawn
    ? ended.record('permit_withdrawn', `The unused permit of attempt ${attempt.number} was withdrawn.`)
    : ended;
}

/** Ends the task for good and releases its hold. A plan that will not be applied any more is void, with its approval. */
export function endTask(change: Change, status: TaskStatus, reason: Reason | null, now: Instant): Change {
  const { task, workspace } = change.aggregate;
  const spent = status === 'applied' || status === 'success' || change.aggregate.attempt?.permit === 'used';
  const kept = spent ? change : dropPlan(change, 'the task ended', now);
  return kept
    .task({ status, stage: 'completed', reason, completedAt: now })
    .workspace({ hold: workspace.hold === task.id ? null : workspace.hold })
    .effect({ kind: 'task_ended', status }, { kind: 'wake_dispatcher' })
    .record('ended', reason ? reason.message : `The task ended: ${status}.`);
}

/** Asks for a person: the task stays as it is, hold included, and somebody is told. */
export const needAttention = (change: Change, reason: Reason): Change =>
  change
    .task({ status: 'needs_attention', reason })
    .effect({ kind: 'alert', sentence: reason.message })
    .record('needs_attention', reason.message);

const cancelReason = (task: Task): Reason =>
  task.cancelCause === 'timed_out'
    ? { code: 'timed_out', message: 'The task ran out of its time and was cancelled.' }
    : { code: 'cancelled', message: 'The task was cancelled.' };

/** Ends a task for which a cancel or a time-out stands. */
export const endCancelled = (change: Change, now: Instant): Change =>
  endTask(change, 'cancelled', cancelReason(change.aggregate.task), now);

export const staleReason = ({ plan }: Task): Reason => ({
  code: 'plan_stale',
  message: `The state moved on after the plan was made (from ${plan?.madeFrom ? `serial ${plan.madeFrom.serial}` : 'no state'}); plan again.`,
});

/**
 * Puts a task whose attempt has just ended back where it waits, unless this was its `lastChance`. A task that needs a person
 * stays with that person, and cancelled wins over every way back. A stored plan is kept only with an approval; when that is void
 * a person decides again, and when the state moved on the plan is worth nothing.
 */
export function queueAgain(change: Change, now: Instant, lastChance: Reason | null = null): Change {
  const { task, workspace } = change.aggregate;
  if (task.status === 'needs_attention') return change;
  if (task.cancelLevel > 0) return endCancelled(change, now);
  if (lastChance) return endTask(change, 'failed', lastChance, now);
  const waiting = { status: 'pending', stage: null, reason: null } as const;
  if (!task.plan || !task.approval)
    return dropPlan(change, 'the plan is made anew', now).task({ ...waiting, phase: 'plan', plan: null });
  if (!planIsPresent(task, workspace)) return endTask(change, 'failed', staleReason(task), now);
  if (!findApproval(task)) return change.task({ ...waiting, status: 'awaiting_approval', phase: 'apply' });
  return change.task({ ...waiting, phase: 'apply' });
}

/** How an attempt goes back to the queue. */
export interface GivenBack {
  readonly outcome: Extract<AttemptOutcome, 'returned' | 'lost'>;
  /** Null when it is nobody's fault and does not count towards the last chance. */
  readonly counts: Return['why'] | null;
  readonly reason: string;
}

/** Ends the attempt and queues the task again, until it has been returned once too often. Whoever gave it back is not asked again at once. */
export function giveBack(change: Change, given: GivenBack, { now, figures }: Context): Change {
  const { attempt, task } = change.aggregate;
  if (!attempt) return change;
  const ended = endAttempt(change, given.outcome, now).record(
    given.outcome,
    `Attempt ${attempt.number} is over: ${given.reason}.`,
  );
  if (!given.counts) return queueAgain(ended, now);
  const returns = [...task.returns, toReturn(attempt, given.counts, given.reason, now)];
  const lastChance = returns.length >= figures.maxReturns ? tooManyReturns(returns) : null;
  return queueAgain(passOver(ended.task({ returns }), attempt, now + figures.passOverMs, now), now, lastChance);
}

/** Ends an attempt that fell silent or died without having applied anything; the task gets one more chance. */
export function loseAttempt(change: Change, reason: string, context: Context): Change {
  const { attempt, task } = change.aggregate;
  if (!attempt) return change;
  if (attempt.permit === 'live')
    return giveBack(change, { outcome: 'lost', counts: 'permit_withdrawn', reason }, context);
  const { now, figures } = context;
  const losses = task.losses + 1;
  const ended = endAttempt(change, 'lost', now)
    .task({ losses })
    .record('lost', `Attempt ${attempt.number} is lost: ${reason}.`);
  const lastChance = losses >= figures.maxLosses ? tooManyLosses(losses, reason) : null;
  return queueAgain(passOver(ended, attempt, now + figures.passOverMs, now), now, lastChance);
}

/** Keeps the agent from being asked again for this task until then. */
export function passOver(change: Change, { agentId }: Attempt, until: Instant, now: Instant): Change {
  const others = change.aggregate.task.passedOver.filter((entry) => entry.until > now && entry.agentId !== agentId);
  return change.task({ passedOver: [...others, { agentId, until }] });
}

const toReturn = (attempt: Attempt, why: Return['why'], reason: string, at: Instant): Return => ({
  attemptNumber: attempt.number,
  agentId: attempt.agentId,
  why,
  reason,
  at,
});

const tooManyReturns = (returns: readonly Return[]): Reason => ({
  code: 'too_many_returns',
  message: `The task came back ${returns.length} times: ${returns.map((r) => `attempt ${r.attemptNumber}: ${r.reason}`).join('; ')}.`,
});

const tooManyLosses = (losses: number, reason: string): Reason => ({
  code: 'too_many_losses',
  message: `The task was lost ${losses} times, the last time because ${reason}.`,
});
