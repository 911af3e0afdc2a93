import type { PhaseLog } from '../log/index.ts';
import type { AttemptContext } from './attempt-context.ts';
import type { CommandEnd, CommandLimits } from './commands.ts';

/** The task is being cancelled, or the attempt has lost its right to act: nothing more is begun. */
export const isStopped = ({ wishes }: AttemptContext): boolean => wishes.cancelLevel > 0 || wishes.fenced;

/** Nobody saw how the command ended. */
export const isUnknown = ({ code, signal }: CommandEnd): boolean => code === null && signal === null;

/** The log that a command writes to, once it is open. */
type FindLog = () => PhaseLog | undefined;

/** Commands before the apply share the plan's time, counted from the attempt's beginning. */
export function planLimits({ journal, data, clock }: AttemptContext, log: FindLog): CommandLimits {
  const begunAt = timeOf(journal.find('begun')?.at) ?? clock.now();
  return { timeoutAt: begunAt + data.attempt.plan_timeout_seconds * 1000, acknowledged: acknowledgedIn(log) };
}

/** The apply has its own time, from its permit on. */
export function applyLimits({ journal, data, clock }: AttemptContext, log: FindLog): CommandLimits {
  const permittedAt = timeOf(journal.find('permitted')?.at) ?? clock.now();
  return { timeoutAt: permittedAt + data.attempt.apply_timeout_seconds * 1000, acknowledged: acknowledgedIn(log) };
}

const acknowledgedIn = (log: FindLog) => () => (log()?.output.progress().interrupt ?? 'none') !== 'none';

/** Milliseconds since the epoch; undefined for what is no time. */
export function timeOf(at: string | undefined): number | undefined {
  const time = Date.parse(at ?? '');
  return Number.isNaN(time) ? undefined : time;
}
