import type { AttemptId, Phase, TaskId, TaskStatus, WorkspaceId } from '@groundcrew/protocol';
import type { LedgerLine } from './ledger.ts';

/** What a state says of each resource: the label of the task that made it. */
export type StateSeen = Readonly<Record<string, string>>;

/** One log of one attempt, at its two ends. */
export interface LogSeen {
  readonly attemptId: AttemptId;
  readonly phase: Phase;
  /** mask(what Terraform wrote); undefined when no trace of it could be kept. */
  readonly expected: Buffer | undefined;
  /** What the server has. */
  readonly stored: Buffer;
}

/** A task as it reads after the run. */
export interface TaskSeen {
  readonly id: TaskId;
  readonly label: string;
  readonly workspaceId: WorkspaceId;
  readonly status: TaskStatus;
  /** Everything that people can read about it besides the logs: reason, error, events. */
  readonly words: string;
  /** Terraform may have changed things: an attempt of it had its permit and took the state lock. */
  readonly mayHaveApplied: boolean;
  /** Terraform itself may have failed to write a part of its output, because the disk was full: no log can have it. */
  readonly mayLackOutput: boolean;
  /** The newest state that one of its attempts wrote, quarantined ones included. */
  readonly lastState: StateSeen | undefined;
  readonly logs: readonly LogSeen[];
}

export interface WorkspaceSeen {
  readonly id: WorkspaceId;
  readonly hold: TaskId | null;
  /** Who locked it. */
  readonly lockedBy: string | null;
  readonly currentState: StateSeen | undefined;
}

/** Everything that is compared after a run. */
export interface Observation {
  /** The resources of each configuration. */
  readonly resources: readonly string[];
  readonly ledger: readonly LedgerLine[];
  /** In the order in which they were asked for. */
  readonly tasks: readonly TaskSeen[];
  readonly workspaces: readonly WorkspaceSeen[];
  /** Printed by every provisioner, and never to be read in a log. */
  readonly secret: string;
}
