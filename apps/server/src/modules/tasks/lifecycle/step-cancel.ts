import type { Aggregate, Attempt, Task } from './aggregate.ts';
import { Change, type Context, type Decision, type Refusal, refuse, unchanged } from './change.ts';
import { endAttempt, endCancelled } from './endings.ts';
import type { Done, TaskEvent } from './events.ts';
import { openAttempt } from './rules.ts';

type Cancel = TaskEvent<'cancel'>;

/** Cancels at once what nobody works on, and tells the far side of anything else. The level only rises. */
export function cancel(aggregate: Aggregate, event: Cancel, context: Context): Decision<Done> | Refusal {
  const { task } = aggregate;
  const attempt = openAttempt(aggregate);
  if (task.status === 'cancelled') return unchanged(aggregate);
  const refusal = findRefusal(aggregate, event, attempt);
  if (refusal) return refusal;
  const asked = raise(new Change(aggregate), event.level, 'asked').record(
    'cancel_asked',
    `${event.by.kind === 'person' ? event.by.name : 'The server'} asked to cancel (level ${event.level}).`,
  );
  if (!attempt) return endCancelled(asked, context.now).done();
  if (attempt.state === 'offered') return endCancelled(endAttempt(asked, 'cancelled', context.now), context.now).done();
  return (attempt.state === 'running' ? pass(asked, context) : asked).done();
}

function findRefusal(aggregate: Aggregate, event: Cancel, attempt: Attempt | undefined): Refusal | undefined {
  const { task } = aggregate;
  if (task.completedAt !== null) return refuse(aggregate, 'ended', `Task ${task.id} has ended: ${task.status}.`);
  if (task.status === 'needs_attention')
    return refuse(aggregate, 'needs_attention', `Task ${task.id} needs a person's decision; close it instead.`);
  if (!attempt || attempt.permit === 'none') return undefined;
  if (attempt.state === 'exited')
    return refuse(
      aggregate,
      'illegal',
      `Terraform of attempt ${attempt.number} is over already; its result is being stored.`,
    );
  if (event.level > 1 && !(event.force && event.by.kind === 'person'))
    return refuse(
      aggregate,
      'force_needed',
      'A second interrupt can lose resources that an apply is creating; only a person may ask for it, with force.',
    );
  return undefined;
}

/** Raises the task's level; what asked for it first stays its cause. */
export function raise(change: Change, level: Cancel['level'], cause: NonNullable<Task['cancelCause']>): Change {
  const { task } = change.aggregate;
  return level > task.cancelLevel
    ? change.task({ cancelLevel: level, cancelCause: task.cancelCause ?? cause })
    : change;
}

/** Tells the far side, and starts the time in which it has to exit; a second cancel does not start it again. */
export function pass(change: Change, { now, figures }: Context): Change {
  const { task, attempt } = change.aggregate;
  if (!attempt) return change;
  const grace = attempt.permit === 'used' ? figures.stuckAfterMs : figures.cancelGraceMs;
  return change
    .attempt({ stopBy: attempt.stopBy ?? now + grace })
    .effect({ kind: 'tell_agent', agentId: attempt.agentId, attemptId: attempt.id, cancelLevel: task.cancelLevel });
}
