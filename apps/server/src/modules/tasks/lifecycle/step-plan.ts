import type { Aggregate, StoredPlan } from './aggregate.ts';
import { approvePlan, voidApproval } from './approval.ts';
import { Change, type Context, type Decision, type Refusal, refuse, unchanged } from './change.ts';
import { endTask, staleReason } from './endings.ts';
import type { Done, PlanTaken, TaskEvent } from './events.ts';
import type { AttemptAggregate } from './handler.ts';
import { findApproval, mayAutoApprove, openAttempt, planIsPresent } from './rules.ts';
import { settle } from './settle.ts';

/** The plan file is in, once per attempt. An attempt that carries both phases is approved in the same transaction, if it may be. */
export function storePlan(
  aggregate: AttemptAggregate,
  event: TaskEvent<'plan_stored'>,
  context: Context,
): Decision<PlanTaken> | Refusal {
  const { attempt, task } = aggregate;
  if (task.plan?.attemptId === attempt.id) {
    const same = task.plan.checksum === event.checksum;
    return same
      ? new Change(aggregate).answer(planTaken(aggregate))
      : refuse(
          aggregate,
          'contradicts',
          `Attempt ${attempt.number} has stored another plan; a plan file is written once.`,
        );
  }
  if (attempt.action === 'apply' || attempt.state === 'offered')
    return refuse(aggregate, 'illegal', `Attempt ${attempt.number} has no plan to store.`);
  const plan = toPlan(aggregate, event, context);
  const stored = new Change(aggregate)
    .task({ plan })
    .record('plan_stored', `Attempt ${attempt.number} stored its plan${plan.hasChanges ? '' : ': no changes'}.`);
  const change = settle(attempt.state === 'running' ? goOn(stored, context) : stored, context);
  return change.answer(planTaken(change.aggregate));
}

const toPlan = (
  { attempt }: AttemptAggregate,
  event: TaskEvent<'plan_stored'>,
  { now, figures }: Context,
): StoredPlan => ({
  attemptId: attempt.id,
  checksum: event.checksum,
  madeFrom: event.madeFrom,
  hasChanges: event.hasChanges,
  storedAt: now,
  expiresAt: now + figures.planLifeMs,
});

function planTaken({ task, attempt }: Aggregate): PlanTaken {
  const approved = findApproval(task) !== undefined;
  return { kind: 'plan_taken', approved, proceed: approved && attempt?.state === 'running' && task.cancelLevel === 0 };
}

/** A running attempt with both phases goes on to its apply, whose time starts now. */
function goOn(change: Change, { now }: Context): Change {
  const { task, workspace, attempt } = change.aggregate;
  const saved = change.task({ stage: 'plan_saved' });
  const able =
    attempt?.action === 'plan_apply' && task.plan?.hasChanges && task.status === 'running' && task.cancelLevel === 0;
  if (!able || !mayAutoApprove(task, workspace) || !planIsPresent(task, workspace)) return saved;
  return approvePlan(saved, { kind: 'system' }, now).attempt({ timeoutAt: now + workspace.applyTimeoutMs });
}

/** A person approves the plan they have seen: the request names its checksum, and it must still fit the present state. */
export function approve(aggregate: Aggregate, event: TaskEvent<'approve'>, { now }: Context): Decision<Done> | Refusal {
  const { task, workspace } = aggregate;
  if (event.by.kind !== 'person') return refuse(aggregate, 'illegal', 'Only a person approves a plan by hand.');
  if (task.plan && task.plan.checksum !== event.planChecksum)
    return refuse(
      aggregate,
      'stale',
      'The approval names another plan than the stored one; look at the present plan and approve that.',
    );
  if (findApproval(task) && task.completedAt === null) return unchanged(aggregate);
  if (task.status !== 'awaiting_approval')
    return refuse(
      aggregate,
      task.completedAt === null ? 'illegal' : 'ended',
      `Task ${task.id} does not wait for an approval; it is ${task.status}.`,
    );
  if (!planIsPresent(task, workspace))
    return refuse(aggregate, 'stale', 'The state moved on after the plan was made; plan again.');
  return approvePlan(new Change(aggregate), event.by, now)
    .task({ status: 'pending', reason: null })
    .effect({ kind: 'wake_dispatcher' })
    .done();
}

/** A person decides against a task that nobody works on. */
export function discard(aggregate: Aggregate, event: TaskEvent<'discard'>, { now }: Context): Decision<Done> | Refusal {
  const { task } = aggregate;
  if (task.reason?.code === 'discarded') return unchanged(aggregate);
  if (task.completedAt !== null) return refuse(aggregate, 'ended', `Task ${task.id} has ended: ${task.status}.`);
  if (task.attemptId !== null) return refuse(aggregate, 'illegal', `Task ${task.id} is under way; cancel it instead.`);
  if (task.status === 'needs_attention')
    return refuse(aggregate, 'needs_attention', `Task ${task.id} needs a person's decision; close it instead.`);
  const who = event.by.kind === 'person' ? event.by.name : 'the server';
  return endTask(
    new Change(aggregate),
    'cancelled',
    { code: 'discarded', message: `${who} discarded the task.` },
    now,
  ).done();
}

/** The workspace's state is another one now: a plan that waits for approval or for an agent is worth nothing. One under way learns it with its permit. */
export function stateMovedOn(
  aggregate: Aggregate,
  _event: TaskEvent<'state_moved_on'>,
  { now }: Context,
): Decision<Done> {
  const { task, workspace } = aggregate;
  const waits = task.attemptId === null && (task.status === 'awaiting_approval' || task.status === 'pending');
  if (!waits || !task.plan || planIsPresent(task, workspace)) return unchanged(aggregate);
  return endTask(new Change(aggregate), 'failed', staleReason(task), now).done();
}

/** Nobody applied the plan within its life. */
export const expirePlan = (change: Change, { now }: Context): Change =>
  endTask(change, 'failed', { code: 'plan_stale', message: 'Nobody applied the plan in its time; plan again.' }, now);

/** A quarantined state may be the only record of real things: whoever approved without knowing of it decides again. */
export function quarantineArrived(
  aggregate: Aggregate,
  _event: TaskEvent<'quarantine_arrived'>,
  { now }: Context,
): Decision<Done> {
  const { task } = aggregate;
  const permit = openAttempt(aggregate)?.permit ?? 'none';
  if (!findApproval(task) || task.completedAt !== null || permit !== 'none') return unchanged(aggregate);
  const voided = voidApproval(new Change(aggregate), 'a quarantined state arrived that nobody has decided about', now);
  return (
    task.status === 'pending' && task.attemptId === null ? voided.task({ status: 'awaiting_approval' }) : voided
  ).done();
}
