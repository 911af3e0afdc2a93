import type { CancelLevel, Phase } from '@groundcrew/protocol';
import type { Aggregate, ExitRecord, Task } from './aggregate.ts';
import { Change, type Context, type Decision, type Refusal, refuse, unchanged } from './change.ts';
import type { Done, FinishTaken, TaskEvent } from './events.ts';
import type { AttemptAggregate } from './handler.ts';
import { sameContent } from './rules.ts';
import { settle } from './settle.ts';
import { clearMark } from './step-death.ts';

/** The exit record. It is written once, so the same again is no news and another one is refused; after the end it is kept beside the task. */
export function finish(
  aggregate: AttemptAggregate,
  event: TaskEvent<'finish'>,
  context: Context,
): Decision<FinishTaken> | Refusal {
  const { attempt } = aggregate;
  if (attempt.state === 'offered')
    return refuse(aggregate, 'illegal', `Attempt ${attempt.number} was never accepted and cannot have an exit.`);
  if (attempt.permit === 'used' && !speaksOfApply(event.record))
    return refuse(
      aggregate,
      'illegal',
      `Terraform of attempt ${attempt.number} took its state lock; an exit before the apply is that of a copied folder.`,
    );
  const known = attempt.finish ?? attempt.lateFinish;
  if (known && !sameRecord(known, event.record))
    return refuse(
      aggregate,
      'contradicts',
      `Attempt ${attempt.number} has another exit record already; it is written once.`,
    );
  const told = known ? new Change(aggregate) : keepRecord(aggregate, event.record, context);
  return taken(settle(addLogs(told, event.logsIn), context));
}

/** Where LOCK was answered the plan is long over, so a record of the plan tells nothing of that Terraform, which may still run. */
function speaksOfApply({ planChecksum, failedAt, lastState, logs }: ExitRecord): boolean {
  if (failedAt !== null) return failedAt === 'apply';
  return planChecksum === null || lastState !== null || logs.some((log) => log.phase === 'apply');
}

const keepRecord = (aggregate: AttemptAggregate, record: ExitRecord, context: Context): Change =>
  aggregate.attempt.state === 'ended' ? keepLate(aggregate, record) : exit(aggregate, record, context);

/** The attempt has exited; from now on it is only a matter of what still has to arrive. A task that needed a person goes on by itself. */
function exit({ attempt, ...aggregate }: AttemptAggregate, record: ExitRecord, { now, figures }: Context): Change {
  const { task } = aggregate;
  return new Change({ ...aggregate, attempt })
    .attempt({ state: 'exited', finish: record, exitedAt: attempt.exitedAt ?? now, settleBy: now + figures.settleMs })
    .attempt({ giveUpAt: null, timeoutAt: null, stopBy: null })
    .task({ status: 'running', stage: attempt.permit === 'none' ? task.stage : 'saving_state', reason: null })
    .task(timedOut(task, record))
    .effect({ kind: 'wake_dispatcher' })
    .record('exited', `Terraform of attempt ${attempt.number} is over.`);
}

function addLogs(change: Change, phases: readonly Phase[]): Change {
  const logsIn = change.aggregate.attempt?.logsIn ?? [];
  const fresh = phases.filter((phase) => !logsIn.includes(phase));
  return fresh.length === 0 ? change : change.attempt({ logsIn: [...logsIn, ...fresh] });
}

const taken = (change: Change): Decision<FinishTaken> =>
  change.answer({ kind: 'finished', confirmed: hasEverything(change.aggregate) });

/** True once the attempt has ended and the server has all that its record names: the state may be quarantined, but it must be here. */
function hasEverything({ attempt }: Aggregate): boolean {
  const record = attempt?.finish ?? attempt?.lateFinish;
  if (attempt?.state !== 'ended' || !record) return false;
  const { lastState } = record;
  const stateIn = lastState === null || attempt.states.some((state) => sameContent(state, lastState));
  return stateIn && record.logs.every((log) => attempt.logsIn.includes(log.phase));
}

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

/** A log is stored exactly as the exit record names it; an ended attempt learns it too, so that its folder can be let go. */
export function logIn(aggregate: AttemptAggregate, { phase }: TaskEvent<'log_in'>, context: Context): Decision<Done> {
  const { attempt } = aggregate;
  if (!attempt.finish && !attempt.lateFinish) return unchanged(aggregate);
  return settle(addLogs(new Change(aggregate), [phase]), context).done();
}
