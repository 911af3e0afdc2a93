import { voidApproval } from './approval.ts';
import { Change, type Context, type Decision, type Refusal, refuse, unchanged } from './change.ts';
import { endAttempt, endCancelled, endTask, giveBack, staleReason } from './endings.ts';
import type { Done, PermitAnswer, PermitRefused, TaskEvent } from './events.ts';
import type { AttemptAggregate } from './handler.ts';
import { heard } from './lease.ts';
import { findApproval, planIsPresent } from './rules.ts';

/**
 * May the apply start? Cancel and permit meet on the same row, so one of them comes first. A refused permit ends the attempt,
 * hence the answer is committed either way. Asked again with the nonce of the journal's `intent` it gets the same answer;
 * another nonce is a copy of the attempt.
 */
export function askPermit(
  aggregate: AttemptAggregate,
  event: TaskEvent<'permit_asked'>,
  context: Context,
): Decision<PermitAnswer> | Refusal {
  const { attempt, task } = aggregate;
  if (attempt.permit !== 'none') return permitAgain(aggregate, event.nonce);
  if (attempt.state !== 'running' || attempt.action === 'plan')
    return refuse(
      aggregate,
      'illegal',
      `Attempt ${attempt.number} (${attempt.action}, ${attempt.state}) has nothing to apply.`,
    );
  if (task.status === 'needs_attention')
    return refuse(
      aggregate,
      'needs_attention',
      `Task ${task.id} needs a person's decision before anything is applied.`,
    );
  const why = findPermitObstacle(aggregate, event);
  if (why) return refusePermit(aggregate, why, context);
  return grant(aggregate, event.nonce, context);
}

function permitAgain(aggregate: AttemptAggregate, nonce: string): Decision<PermitAnswer> | Refusal {
  const { attempt } = aggregate;
  if (attempt.nonce !== nonce)
    return refuse(aggregate, 'fenced', `The permit of attempt ${attempt.number} was given to another asker.`);
  return new Change(aggregate).answer({ kind: 'permit', granted: true, permit: attempt.permit, epoch: attempt.epoch });
}

/** `wrong_plan`: the runner is about to apply something else than what was approved. */
type Obstacle = PermitRefused | 'wrong_plan';

function findPermitObstacle(
  { workspace, task }: AttemptAggregate,
  event: TaskEvent<'permit_asked'>,
): Obstacle | undefined {
  if (task.cancelLevel > 0) return 'cancelled';
  if (event.agentRevoked) return 'revoked';
  if (workspace.permit !== null || workspace.hold !== task.id) return 'held';
  if (workspace.lock) return 'locked';
  if (task.plan && !planIsPresent(task, workspace)) return 'stale';
  if (!findApproval(task)) return 'not_approved';
  return task.plan?.checksum === event.planChecksum ? undefined : 'wrong_plan';
}

function grant(aggregate: AttemptAggregate, nonce: string, context: Context): Decision<PermitAnswer> {
  const { attempt } = aggregate;
  const change = new Change(aggregate)
    .attempt({ permit: 'live', nonce })
    .workspace({ permit: attempt.id, holderEpoch: attempt.epoch })
    .record('permitted', `Attempt ${attempt.number} has the permit to apply.`);
  return heard(change, context).answer({ kind: 'permit', granted: true, permit: 'live', epoch: attempt.epoch });
}

const SENTENCES: Record<Obstacle, string> = {
  cancelled: 'the task is being cancelled',
  locked: 'the workspace is locked',
  stale: 'the state moved on after the plan was made',
  not_approved: 'no approval of this plan is in force',
  held: 'another apply holds the workspace',
  revoked: 'the agent was revoked',
  wrong_plan: 'the runner has another plan file than the approved one',
};

function refusePermit(aggregate: AttemptAggregate, why: Obstacle, context: Context): Decision<PermitAnswer> {
  const sentence = `No permit: ${SENTENCES[why]}.`;
  const change = afterRefusal(new Change(aggregate).record('permit_refused', sentence), why, context);
  return change.answer({ kind: 'permit', granted: false, why: why === 'wrong_plan' ? 'not_approved' : why, sentence });
}

/** Nobody's fault goes back to the queue uncounted with its plan kept; only a wrong plan file is the runner's own trouble. */
function afterRefusal(change: Change, why: Obstacle, context: Context): Change {
  if (why === 'cancelled') return endCancelled(endAttempt(change, 'cancelled', context.now), context.now);
  if (why === 'stale')
    return endTask(
      endAttempt(change, 'failed', context.now),
      'failed',
      staleReason(change.aggregate.task),
      context.now,
    );
  const counts = why === 'wrong_plan' ? why : null;
  return giveBack(
    why === 'not_approved' ? voidApproval(change, SENTENCES[why], context.now) : change,
    { outcome: 'returned', counts, reason: SENTENCES[why] },
    context,
  );
}

/**
 * Terraform's LOCK: the last fence. Once it is answered the permit is used and only proof, an exit or a person ends the apply.
 * A LOCK with another id is another Terraform and is refused, and so is a first one after a cancel: nothing was applied yet.
 */
export function takeLock(
  aggregate: AttemptAggregate,
  event: TaskEvent<'lock_arrived'>,
  context: Context,
): Decision<Done> | Refusal {
  const { attempt, task, workspace } = aggregate;
  const own =
    attempt.state === 'running' &&
    attempt.nonce === event.nonce &&
    workspace.permit === attempt.id &&
    workspace.holderEpoch === attempt.epoch;
  if (!own) return refuse(aggregate, 'fenced', `Attempt ${attempt.number} has no permit to apply.`);
  if (attempt.permit === 'used') {
    return attempt.lockId === event.lockId
      ? unchanged(aggregate)
      : refuse(aggregate, 'fenced', `Another Terraform of attempt ${attempt.number} has the state lock.`);
  }
  if (task.cancelLevel > 0)
    return refuse(aggregate, 'cancelled', `Task ${task.id} is being cancelled; its apply does not start any more.`);
  if (task.status !== 'running')
    return refuse(
      aggregate,
      'needs_attention',
      `Task ${task.id} needs a person's decision before anything is applied.`,
    );
  const used = new Change(aggregate)
    .attempt({ permit: 'used', lockId: event.lockId })
    .task({ stage: 'applying' })
    .record('state_locked', `Terraform of attempt ${attempt.number} has begun to apply.`);
  return heard(used, context).done();
}
