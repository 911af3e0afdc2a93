import type { Action, AgentId, AttemptId, StateMark, TaskId } from '@groundcrew/protocol';
import type { ExitRecord } from '@groundcrew/server/lifecycle';

/** What an attempt's own side hands over at last, for ever, until it is taken. */
type Report =
  /** The exit record of a plan whose file is stored. */
  | 'planned'
  /** The exit record of a plan or init that failed or was stopped before any permit. */
  | 'plan_failed'
  | 'returned'
  /** The exit record of an apply. */
  | 'applied'
  | 'never_started'
  /** An apply was started and nobody saw how it ended. */
  | 'interrupted';

/** What the server was heard to say and the runner has not acted upon yet. Lost with the runner. */
export interface Answers {
  /** To the stored plan: finish, or go on to the apply. */
  readonly plan: 'finish' | 'proceed' | null;
  readonly granted: boolean;
  readonly denied: boolean;
  readonly locked: boolean;
  readonly lockDenied: boolean;
  /** The report is turned away for good. */
  readonly refused: boolean;
}

export const NOTHING_HEARD: Answers = {
  plan: null,
  granted: false,
  denied: false,
  locked: false,
  lockDenied: false,
  refused: false,
};

/** The far side of one attempt: its folder with the journal, and the processes that work on it. */
export interface Folder {
  readonly attemptId: AttemptId;
  readonly taskId: TaskId;
  readonly agentId: AgentId;
  readonly action: Action;
  /** Made by copying the host; everything it says has the same secret and, once that is written, the same nonce. */
  readonly copy: boolean;
  /** `ghost`: the attempt ended before it ever had a permit, so whatever this side still does cannot matter; it may say anything. */
  readonly host: 'up' | 'down' | 'lost' | 'ghost';
  readonly runnerLives: boolean;
  /** Which plan it has, or was ordered to apply. */
  readonly planChecksum: string | null;
  /** Serial that the plan was made from; null for none. */
  readonly madeFrom: number | null;
  /** The journal, in the order of writing. */
  readonly begun: boolean;
  readonly stored: boolean;
  /** The nonce of `intent`. A copy made before it was written makes up its own. */
  readonly nonce: string | null;
  readonly permitted: boolean;
  readonly fate: 'started' | 'never' | undefined;
  readonly lockAnswered: boolean;
  readonly report: Report | null;
  /** `launching`: the launcher has its word but has not written `started` yet. `acting`: its LOCK was answered. */
  readonly terraform: 'none' | 'launching' | 'locking' | 'acting' | 'over';
  /** The exit code that the launcher wrote down. */
  readonly exit: 'well' | 'badly' | null;
  /** The ledger: here, and not in what this folder was copied from, a Terraform had its lock and may have changed things. */
  readonly acted: boolean;
  /** Who wrote the states that lie in the folder. */
  readonly writer: string;
  /** Serial of the state that Terraform read under its lock. */
  readonly base: number;
  /** How many states Terraform has written since. */
  readonly written: number;
  readonly heard: Answers;
}

const LINEAGE = 'line';

/** The name of a state: who wrote a serial decides its content. */
export const stateMark = (serial: number, writer: string): StateMark => ({
  lineage: LINEAGE,
  serial,
  checksum: `${writer}#${serial}`,
});

export const writerOf = ({ attemptId, copy }: Folder): string => (copy ? `${attemptId}-copy` : attemptId);

/** As people read it. */
export const nameOf = ({ attemptId, copy }: Folder): string => (copy ? `copy of ${attemptId}` : attemptId);

/** The nth state in the folder, from 1. */
export const writtenMark = (folder: Folder, nth: number): StateMark => stateMark(folder.base + nth, folder.writer);

/** Each Terraform makes up its own lock id. */
export const lockIdOf = (folder: Folder): string => `lock of ${writerOf(folder)}`;

/** True while something of the attempt's apply runs on its host. */
export const isAlive = ({ terraform }: Folder): boolean =>
  terraform === 'launching' || terraform === 'locking' || terraform === 'acting';

/** The exit record that the folder's report is delivered as. */
export function exitRecordOf(folder: Folder, withLogs: boolean): ExitRecord {
  const well = folder.report === 'planned' || (folder.report === 'applied' && folder.exit === 'well');
  return {
    exitCode: well ? 0 : 1,
    signal: null,
    failedAt: well ? null : folder.report === 'applied' ? 'apply' : 'plan',
    timedOut: false,
    logs: withLogs ? [{ phase: folder.report === 'applied' ? 'apply' : 'plan', length: 1, checksum: 'log' }] : [],
    planChecksum: folder.report === 'planned' ? folder.planChecksum : null,
    lastState: folder.written > 0 ? writtenMark(folder, folder.written) : null,
  };
}
