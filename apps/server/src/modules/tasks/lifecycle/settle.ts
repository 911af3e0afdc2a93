import type { Phase, Reason } from '@groundcrew/protocol';
import type { Attempt, ExitRecord, Task } from './aggregate.ts';
import { approvePlan } from './approval.ts';
import type { Change, Context } from './change.ts';
import { endAttempt, endCancelled, endTask, needAttention, staleReason } from './endings.ts';
import { mayApply, mayAutoApprove, planIsPresent, sameContent } from './rules.ts';

/** An exited attempt with its record, and whether the time for what is missing is over. */
interface Exit {
  readonly attempt: Attempt;
  readonly record: ExitRecord;
  readonly overdue: boolean;
  readonly context: Context;
}

/**
 * Ends an exited attempt as soon as the server has everything its exit record names, or when the time for it is over.
 * Without an exit record only a person ends it.
 */
export function settle(change: Change, context: Context): Change {
  const { attempt } = change.aggregate;
  if (attempt?.state !== 'exited' || !attempt.finish) return change;
  const exit: Exit = {
    attempt,
    record: attempt.finish,
    overdue: attempt.settleBy !== null && attempt.settleBy <= context.now,
    context,
  };
  return mayHaveApplied(exit) ? settleApply(change, exit) : settlePlan(change, exit);
}

const succeeded = (record: ExitRecord): boolean => record.exitCode === 0 && record.signal === null;

/**
 * Of an attempt that carries an apply, anything that speaks of one counts, with or without a permit: after a restore an exit
 * record may be truer than the row.
 */
function mayHaveApplied({ attempt, record }: Exit): boolean {
  if (attempt.action === 'plan') return false;
  if (attempt.permit !== 'none' || record.lastState !== null) return true;
  return succeeded(record) && (attempt.action === 'apply' || record.logs.some((log) => log.phase === 'apply'));
}

const missingLogs = ({ attempt, record }: Exit): Phase[] =>
  record.logs.map((log) => log.phase).filter((phase) => !attempt.logsIn.includes(phase));

/** Ends the attempt; logs that did not come in time are marked. */
function close(change: Change, exit: Exit): Change {
  const { attempt, record, context } = exit;
  const cancelled = change.aggregate.task.cancelLevel > 0 && !succeeded(record);
  const ended = endAttempt(change, cancelled ? 'cancelled' : succeeded(record) ? 'finished' : 'failed', context.now);
  const phases = missingLogs(exit);
  return phases.length === 0 ? ended : ended.effect({ kind: 'mark_logs_incomplete', attemptId: attempt.id, phases });
}

function settlePlan(change: Change, exit: Exit): Change {
  const { record, overdue, context } = exit;
  const { task } = change.aggregate;
  if (missingLogs(exit).length > 0 && !overdue) return change;
  if (task.cancelLevel > 0) return endCancelled(close(change, exit), context.now);
  if (!succeeded(record)) return endTask(close(change, exit), 'failed', exitReason(exit), context.now);
  if (planIn(task, exit)) return planned(close(change, exit), context);
  return overdue ? endTask(close(change, exit), 'failed', PLAN_MISSING, context.now) : change;
}

/** A task that may apply needs its plan file; a plan alone only if the exit record names one. */
function planIn({ plan, type }: Task, { attempt, record }: Exit): boolean {
  if (record.planChecksum === null) return type === 'plan';
  return plan?.attemptId === attempt.id && plan.checksum === record.planChecksum;
}

/** What comes after a finished plan. */
function planned(change: Change, { now }: Context): Change {
  const { task, workspace } = change.aggregate;
  if (!mayApply(task) || !task.plan?.hasChanges) return endTask(change, 'success', null, now);
  if (!planIsPresent(task, workspace)) return endTask(change, 'failed', staleReason(task), now);
  const waiting = change.task({ status: 'awaiting_approval', stage: null, phase: 'apply', reason: null });
  return mayAutoApprove(task, workspace)
    ? approvePlan(waiting, { kind: 'system' }, now).task({ status: 'pending' })
    : waiting;
}

function settleApply(change: Change, exit: Exit): Change {
  const { attempt, record, overdue, context } = exit;
  const { task } = change.aggregate;
  if (succeeded(record) && attempt.permit !== 'used')
    return missState(
      change,
      `Terraform of attempt ${attempt.number} reported success although it never took its state lock`,
    );
  if (!stateIn(exit))
    return overdue
      ? missState(
          change,
          `The last state of attempt ${attempt.number} (serial ${record.lastState?.serial}) has not arrived`,
        )
      : change;
  if (missingLogs(exit).length > 0 && !overdue) return change;
  const ended = close(change, exit);
  if (succeeded(record)) return endTask(ended, 'applied', null, context.now);
  return task.cancelLevel > 0
    ? endCancelled(ended, context.now)
    : endTask(ended, 'failed', exitReason(exit), context.now);
}

/** The state that the exit record names is, or once was, the current one; a quarantined one does not count. */
function stateIn({ attempt, record: { lastState } }: Exit): boolean {
  if (!lastState) return true;
  return attempt.states.some((s) => (s.standing === 'current' || s.standing === 'past') && sameContent(s, lastState));
}

/** Never ends an apply without its state: the hold stays until the state arrives or a person closes. */
function missState(change: Change, what: string): Change {
  if (change.aggregate.task.status === 'needs_attention') return change;
  return needAttention(change, {
    code: 'state_missing',
    message: `${what}; find it on the agent's host, or close the task.`,
  });
}

const PLAN_MISSING: Reason = {
  code: 'plan_file_missing',
  message: 'Terraform finished, but the plan file that its exit record names did not arrive; plan again.',
};

const FAILED_AT = {
  configuration: 'configuration_error',
  init: 'init_error',
  plan: 'plan_error',
  apply: 'apply_error',
} as const;

function exitReason({ attempt, record }: Exit): Reason {
  const at = record.failedAt ?? (attempt.permit === 'none' ? 'plan' : 'apply');
  const how = record.signal ? `was ended by ${record.signal}` : `ended with exit code ${record.exitCode}`;
  return { code: FAILED_AT[at], message: `Terraform ${how} (${at}); the log of attempt ${attempt.number} says why.` };
}
