import type { CancelLevel } from '@groundcrew/protocol';
import type { ExitRecord, Task } from './aggregate.ts';
import { Change, type Context, type Decision, type Refusal, refuse, unchanged } from './change.ts';
import type { Done, FinishTaken, TaskEvent } from './events.ts';
import type { AttemptAggregate } from './handler.ts';
import { settle } from './settle.ts';
import { clearMark } from './step-death.ts';

/** The exit record. It is written once, so the same again is no news and another one is refused; after the end it is kept beside the task. */
export function finish(
  aggregate: AttemptAggregate,
  { record, logsIn }: TaskEvent<'finish'>,
  context: Context,
): Decision<FinishTaken> | Refusal {
  const { attempt, task } = aggregate;
  if (attempt.state === 'offered')
    return refuse(aggregate, 'illegal', `Attempt ${attempt.number} was never accepted and cannot have an exit.`);
  const known = attempt.finish ?? attempt.lateFinish;
  if (known)
    return sameRecord(known, record)
      ? taken(new Change(aggregate))
      : refuse(
          aggregate,
          'contradicts',
          `Attempt ${attempt.number} has another exit record already; it is written once.`,
        );
  if (attempt.state === 'ended') return taken(keepLate(aggregate, record));
  const exited = new Change(aggregate)
    .attempt({
      state: 'exited',
      finish: record,
      logsIn,
      exitedAt: attempt.exitedAt ?? context.now,
      settleBy: context.now + context.figures.settleMs,
      giveUpAt: null,
      timeoutAt: null,
      stopBy: null,
    })
    .task({
      status: 'running',
      stage: attempt.permit === 'none' ? task.stage : 'saving_state',
      reason: null,
      ...timedOut(task, record),
    })
    .effect({ kind: 'wake_dispatcher' })
    .record('exited', `Terraform of attempt ${attempt.number} is over.`);
  return taken(settle(exited, context));
}

const taken = (change: Change): Decision<FinishTaken> =>
  change.answer({ kind: 'finished', confirmed: change.aggregate.attempt?.state === 'ended' });

function keepLate(aggregate: AttemptAggregate, record: ExitRecord): Change {
  const { attempt } = aggregate;
  return clearMark(new Change(aggregate).attempt({ lateFinish: record }))
    .effect({ kind: 'store_late_finish', attemptId: attempt.id, record })
    .record(
      'late_result',
      `Attempt ${attempt.number} reported its exit after it had ended; it is kept beside the task.`,
    );
}

/** The far side may meet the time-out before the server does: it is the same cancel. */
const timedOut = (
  task: Task,
  record: ExitRecord,
): { cancelLevel: CancelLevel; cancelCause: Task['cancelCause'] } | Record<never, never> =>
  record.timedOut && task.cancelLevel === 0 ? { cancelLevel: 1, cancelCause: 'timed_out' } : {};

/** Field by field, so that it does not matter in which order they were written down. */
function sameRecord(a: ExitRecord, b: ExitRecord): boolean {
  const logs = (record: ExitRecord): string[] =>
    record.logs.map((log) => `${log.phase} ${log.length} ${log.checksum}`).sort();
  const state = ({ lastState: s }: ExitRecord): string => (s ? `${s.lineage} ${s.serial} ${s.checksum}` : '');
  const plain = (record: ExitRecord): unknown[] => [
    record.exitCode,
    record.signal,
    record.failedAt,
    record.timedOut,
    record.planChecksum,
    state(record),
    ...logs(record),
  ];
  return JSON.stringify(plain(a)) === JSON.stringify(plain(b));
}

/** A log is stored exactly as the exit record names it. */
export function logIn(aggregate: AttemptAggregate, { phase }: TaskEvent<'log_in'>, context: Context): Decision<Done> {
  const { attempt } = aggregate;
  if (attempt.state !== 'exited' || attempt.logsIn.includes(phase)) return unchanged(aggregate);
  return settle(new Change(aggregate).attempt({ logsIn: [...attempt.logsIn, phase] }), context).done();
}
