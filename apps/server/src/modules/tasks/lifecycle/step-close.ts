import type { Aggregate, Attempt, Lock } from './aggregate.ts';
import { voidApproval } from './approval.ts';
import { Change, type Context, type Decision, type Refusal, refuse, unchanged } from './change.ts';
import { endAttempt, endTask, needAttention } from './endings.ts';
import type { Done, TaskEvent } from './events.ts';
import { mayApply, mayClose, openAttempt } from './rules.ts';

/** A person ends what nothing else can end. Whatever the attempt still writes is fenced from here on. */
export function closeTask(aggregate: Aggregate, event: TaskEvent<'close'>, { now }: Context): Decision<Done> | Refusal {
  const { task } = aggregate;
  if (task.completedAt !== null) return refuse(aggregate, 'ended', `Task ${task.id} has ended: ${task.status}.`);
  if (!mayClose(aggregate, now))
    return refuse(aggregate, 'illegal', `Task ${task.id} is ${task.status} and in contact; cancel it instead.`);
  if (event.by.kind !== 'person') return refuse(aggregate, 'illegal', 'Only a person closes a task.');
  if (!event.confirmed)
    return refuse(aggregate, 'unconfirmed', 'Closing must be confirmed with the name of the workspace.');
  const attempt = openAttempt(aggregate);
  const fenced = fence(new Change(aggregate)).record('closed', `${event.by.name} closed the task: ${event.reason}`);
  const marked = attempt?.state === 'running' ? mark(fenced, attempt, toLock(attempt, event, now), now) : fenced;
  const ended = attempt ? endAttempt(marked, 'closed', now) : marked;
  return endTask(
    ended,
    'failed',
    { code: 'closed', message: `${event.by.name} closed the task: ${event.reason}` },
    now,
  ).done();
}

/** Takes the fence from the holder. Whoever does not hold the workspace has no fence to lose, and must not take it from the one who does. */
function fence(change: Change): Change {
  const { workspace, task } = change.aggregate;
  if (workspace.hold !== task.id) return change;
  const epoch = workspace.epochCounter + 1;
  return change.workspace({ epochCounter: epoch, holderEpoch: epoch });
}

/** Without proof of death the workspace is locked in that person's name. A lock that stands already keeps its owner. */
const mark = (change: Change, attempt: Attempt, lock: Lock, since: number): Change =>
  change.workspace({
    lock: change.aggregate.workspace.lock ?? lock,
    marks: [
      ...change.aggregate.workspace.marks,
      { taskId: attempt.taskId, attemptId: attempt.id, attemptNumber: attempt.number, since },
    ],
  });

const toLock = (attempt: Attempt, { by }: TaskEvent<'close'>, at: number): Lock => ({
  by,
  at,
  reason: `Attempt ${attempt.number} was closed and is not proven dead.`,
  lockId: null,
});

/**
 * The database was restored, or is another one than before: applies may have gone on of which it knows nothing. Every task that may
 * apply waits for a person. An attempt that runs keeps its right to deliver, and its exit record still ends it.
 */
export function afterRestore(aggregate: Aggregate, _event: TaskEvent<'restored'>, { now }: Context): Decision<Done> {
  const { task, workspace } = aggregate;
  if (!mayApply(task) || task.completedAt !== null || task.reason?.code === 'restored') return unchanged(aggregate);
  const attempt = openAttempt(aggregate);
  const change = new Change(aggregate).workspace({
    lock: workspace.lock ?? { by: { kind: 'system' }, at: now, reason: 'The database was restored.', lockId: null },
  });
  const settled = attempt?.state === 'offered' ? endAttempt(change, 'returned', now) : change;
  const voided =
    attempt && attempt.permit !== 'none' ? settled : voidApproval(settled, 'the database was restored', now);
  return needAttention(voided, {
    code: 'restored',
    message:
      'The database was restored and may be older than what is true; compare the state with what exists, then close the task.',
  }).done();
}
