import type { Stage } from '@groundcrew/protocol';
import type { Aggregate } from './aggregate.ts';
import { Change, type Context, type Decision, type Refusal, refuse, unchanged } from './change.ts';
import { giveBack } from './endings.ts';
import type { Done, Renewed, TaskEvent } from './events.ts';
import type { AttemptAggregate } from './handler.ts';
import { heard } from './lease.ts';
import { openAttempt } from './rules.ts';

/** Renews the lease and tells what the server wants. A stage that comes too late is left out: a renewal never fails because of one. */
export function renew(
  aggregate: AttemptAggregate,
  event: TaskEvent<'renew'>,
  context: Context,
): Decision<Renewed> | Refusal {
  const { attempt, task } = aggregate;
  if (attempt.state === 'offered')
    return refuse(aggregate, 'illegal', `Attempt ${attempt.number} must be accepted before it is renewed.`);
  const { leaseMs, renewEveryMs } = context.figures;
  const isSilent = attempt.leaseUntil !== null && attempt.leaseUntil < context.now;
  const change = backInContact(heard(new Change(aggregate), context), isSilent);
  const staged = event.stage && mayReach(aggregate, event.stage) ? change.task({ stage: event.stage }) : change;
  return staged.answer({ kind: 'renewed', verdict: 'go_on', cancelLevel: task.cancelLevel, leaseMs, renewEveryMs });
}

/** An abandoned apply that renews was only out of contact: it runs again, and closing it is no longer offered. */
function backInContact(change: Change, isSilent: boolean): Change {
  const { task, attempt } = change.aggregate;
  if (attempt?.state !== 'running') return change;
  const isAbandoned = task.status === 'needs_attention' && task.reason?.code === 'abandoned';
  const back = isAbandoned ? change.task({ status: 'running', reason: null }) : change;
  if (!isSilent && !isAbandoned) return back;
  return back.record('contact_back', `Attempt ${attempt.number} is in contact again.`);
}

const STAGES: readonly Stage[] = [
  'fetching',
  'init',
  'planning',
  'plan_saved',
  'applying',
  'saving_state',
  'completed',
];

/** A running attempt goes forward only, says nothing of an apply it has no permit for, and does not complete the task: that is the server's. */
function mayReach({ task, attempt }: AttemptAggregate, stage: Stage): boolean {
  if (attempt.state !== 'running' || task.status !== 'running' || stage === 'completed') return false;
  const at = STAGES.indexOf(stage);
  return (
    at >= STAGES.indexOf(task.stage ?? 'fetching') && (at < STAGES.indexOf('applying') || attempt.permit !== 'none')
  );
}

/** The attempt says where it is. The same stage again is no move. */
export function reportStage(aggregate: AttemptAggregate, { stage }: TaskEvent<'stage'>): Decision<Done> | Refusal {
  if (!mayReach(aggregate, stage))
    return refuse(
      aggregate,
      'illegal',
      `The stage cannot be ${stage}: the task is ${aggregate.task.stage ?? aggregate.task.status}.`,
    );
  return aggregate.task.stage === stage ? unchanged(aggregate) : new Change(aggregate).task({ stage }).done();
}

/** The runner hands the attempt back for a passing reason of its host. With an unused permit that is sound too: its LOCK was never answered. */
export function returnAttempt(
  aggregate: AttemptAggregate,
  event: TaskEvent<'return'>,
  context: Context,
): Decision<Done> | Refusal {
  const { attempt } = aggregate;
  if (attempt.state !== 'running')
    return refuse(
      aggregate,
      'illegal',
      `Attempt ${attempt.number} is ${attempt.state}; only a running one is returned.`,
    );
  if (attempt.permit === 'used')
    return refuse(aggregate, 'illegal', `Terraform of attempt ${attempt.number} has begun to apply; finish it.`);
  return giveBack(
    new Change(aggregate),
    { outcome: 'returned', counts: 'returned', reason: event.reason },
    context,
  ).done();
}

/** Takes the attempt from an agent that is no longer trusted, unless its apply has begun: that one is let finish, and people are told. */
export function revokeAgent(
  aggregate: Aggregate,
  _event: TaskEvent<'agent_revoked'>,
  context: Context,
): Decision<Done> {
  const attempt = openAttempt(aggregate);
  if (!attempt) return unchanged(aggregate);
  const change = new Change(aggregate);
  if (attempt.permit !== 'none')
    return change
      .effect({
        kind: 'alert',
        sentence: `Agent ${attempt.agentId} was revoked while attempt ${attempt.number} applies; the apply is let finish.`,
      })
      .done();
  if (attempt.state === 'exited') return unchanged(aggregate);
  return giveBack(
    change,
    { outcome: 'returned', counts: null, reason: `agent ${attempt.agentId} was revoked` },
    context,
  ).done();
}
