import type { Action } from '@groundcrew/protocol';
import { type Aggregate, type Attempt, newAttempt } from './aggregate.ts';
import { Change, type Context, type Decision, type Refusal, refuse, unchanged } from './change.ts';
import { endAttempt, giveBack, passOver, queueAgain } from './endings.ts';
import type { Accepted, Offer, TaskEvent } from './events.ts';
import type { AttemptAggregate } from './handler.ts';
import { heard } from './lease.ts';
import { isWaiting, mayApply, nextAction } from './rules.ts';

/** Offers the task to an agent: hands out the epoch and takes the hold if the task may apply. */
export function assign(
  aggregate: Aggregate,
  event: TaskEvent<'assign'>,
  { now, figures }: Context,
): Decision<Offer> | Refusal {
  const { workspace, task } = aggregate;
  const refusal = findObstacle(aggregate, event.firstInOrder);
  if (refusal) return refusal;
  const attempt = newAttempt({
    id: event.attemptId,
    taskId: task.id,
    number: task.attempts + 1,
    epoch: workspace.epochCounter + 1,
    agentId: event.agentId,
    action: nextAction(task, workspace),
    offeredAt: now,
    offerExpiresAt: now + figures.offerMs,
  });
  return new Change({ ...aggregate, attempt })
    .workspace({ epochCounter: attempt.epoch, hold: mayApply(task) ? task.id : workspace.hold })
    .task({ attemptId: attempt.id, attempts: attempt.number })
    .effect({ kind: 'send_offer', agentId: attempt.agentId, attemptId: attempt.id })
    .record('offered', `Attempt ${attempt.number} was offered to agent ${attempt.agentId}.`)
    .answer({ kind: 'offer', attemptId: attempt.id, epoch: attempt.epoch, action: attempt.action });
}

function findObstacle(aggregate: Aggregate, firstInOrder: boolean): Refusal | undefined {
  const { workspace, task } = aggregate;
  if (!isWaiting(task))
    return refuse(aggregate, 'illegal', `Task ${task.id} does not wait for an agent; it is ${task.status}.`);
  if (workspace.lock)
    return refuse(aggregate, 'locked', `The workspace is locked: ${workspace.lock.reason || 'no reason given'}.`);
  if (!mayApply(task)) return undefined;
  if (workspace.hold !== null && workspace.hold !== task.id)
    return refuse(aggregate, 'held', `Task ${workspace.hold} holds the workspace until it ends.`);
  if (!firstInOrder) return refuse(aggregate, 'not_first', 'An older task that may apply waits on this workspace.');
  return undefined;
}

/** Notes that the offer left the server: from here on silence counts against the agent. */
export function markSent(
  aggregate: Aggregate,
  _event: TaskEvent<'mark_sent'>,
  { now }: Context,
): Decision<{ kind: 'done' }> {
  const { attempt } = aggregate;
  if (attempt?.state !== 'offered' || attempt.sentAt !== null) return unchanged(aggregate);
  return new Change(aggregate).attempt({ sentAt: now }).done();
}

/** The agent takes the offer. The same accept again gets the same answer; another secret is somebody else. */
export function accept(
  aggregate: AttemptAggregate,
  event: TaskEvent<'accept'>,
  context: Context,
): Decision<Accepted> | Refusal {
  const { attempt, task, workspace } = aggregate;
  const answer = accepted(aggregate, attempt.action, context);
  if (attempt.state !== 'offered') {
    if (attempt.secretHash === event.secretHash) return new Change(aggregate).answer(answer);
    return refuse(aggregate, 'fenced', `Attempt ${attempt.number} was accepted with another secret.`);
  }
  const { now } = context;
  const timeoutMs = attempt.action === 'apply' ? workspace.applyTimeoutMs : workspace.planTimeoutMs;
  const change = new Change(aggregate)
    .attempt({
      state: 'running',
      secretHash: event.secretHash,
      acceptedAt: now,
      offerExpiresAt: null,
      timeoutAt: now + timeoutMs,
    })
    .task({ status: 'running', stage: 'fetching', reason: null, startedAt: task.startedAt ?? now })
    .record('accepted', `Attempt ${attempt.number} was accepted.`);
  return heard(change, context).answer(answer);
}

const accepted = ({ attempt, task }: AttemptAggregate, action: Action, { figures }: Context): Accepted => ({
  kind: 'accepted',
  attemptId: attempt.id,
  epoch: attempt.epoch,
  action,
  leaseMs: figures.leaseMs,
  cancelLevel: task.cancelLevel,
});

/** The agent refuses the offer; another one is asked. */
export function reject(
  aggregate: AttemptAggregate,
  event: TaskEvent<'reject'>,
  context: Context,
): Decision<{ kind: 'done' }> | Refusal {
  const { attempt } = aggregate;
  if (attempt.state !== 'offered')
    return refuse(aggregate, 'illegal', `Attempt ${attempt.number} was accepted; return it instead.`);
  return giveBack(
    new Change(aggregate),
    { outcome: 'returned', counts: 'rejected', reason: `agent ${attempt.agentId} rejected it: ${event.reason}` },
    context,
  ).done();
}

/** Nobody accepted in time. That is no return of the task's; if the offer was sent, it counts against the agent. */
export function expireOffer(change: Change, attempt: Attempt, { now, figures }: Context): Change {
  const ended = endAttempt(change, 'returned', now).record(
    'returned',
    `Attempt ${attempt.number} was not accepted in time.`,
  );
  const again = queueAgain(passOver(ended, attempt, now + figures.passOverMs, now), now);
  return attempt.sentAt === null ? again : again.effect({ kind: 'count_silent_offer', agentId: attempt.agentId });
}
