import type {
  Action,
  AgentId,
  AttemptId,
  AttemptOutcome,
  AttemptState,
  CancelLevel,
  Permit,
  Phase,
  Reason,
  Stage,
  StateMark,
  StateStanding,
  StateVersionId,
  StreamEnd,
  TaskId,
  TaskStatus,
  TaskType,
  WorkspaceId,
} from '@groundcrew/protocol';

/** A point in time: milliseconds since 1970 on the database's clock. */
export type Instant = number;

/** Who asked. Only a person may force a cancel, approve or close. */
export type Actor =
  | { readonly kind: 'person'; readonly id: string; readonly name: string }
  | { readonly kind: 'system' };

/** Names one state of a workspace without its content. */
export interface StateRef {
  readonly lineage: string;
  readonly serial: number;
}

/** A person's lock: nothing new starts. `lockId` is set when a user's own Terraform sent it. */
export interface Lock {
  readonly by: Actor;
  readonly at: Instant;
  readonly reason: string;
  readonly lockId: string | null;
}

/** "Attempt N not proven dead": stands from a close until a proof or a late result arrives. */
export interface Mark {
  readonly taskId: TaskId;
  readonly attemptId: AttemptId;
  readonly attemptNumber: number;
  readonly since: Instant;
}

/** The part of a workspace that decides who may write its state. Locked first, before task and attempt. */
export interface Workspace {
  readonly id: WorkspaceId;
  /** Only hands out numbers. */
  readonly epochCounter: number;
  /** Whose state may become current; changes only with a permit or a close. */
  readonly holderEpoch: number;
  /** The task that holds the workspace, from its first assignment until its end. */
  readonly hold: TaskId | null;
  readonly lock: Lock | null;
  readonly marks: readonly Mark[];
  /** The attempt whose permit is live or used and that has not ended. */
  readonly permit: AttemptId | null;
  readonly state: (StateMark & { readonly id: StateVersionId }) | null;
  /** Quarantined states that no person has decided about. */
  readonly undecided: readonly StateVersionId[];
  readonly planTimeoutMs: number;
  readonly applyTimeoutMs: number;
}

/** A plan whose file the server holds. */
export interface StoredPlan {
  readonly attemptId: AttemptId;
  readonly checksum: string;
  /** The state it was made from; null when there was none. */
  readonly madeFrom: StateRef | null;
  /** False when applying it would do nothing at all, outputs included. */
  readonly hasChanges: boolean;
  readonly storedAt: Instant;
  readonly expiresAt: Instant;
}

/** The approval last given; it counts until it is void. */
export interface Approval {
  readonly planChecksum: string;
  readonly madeFrom: StateRef | null;
  readonly by: Actor;
  readonly at: Instant;
  readonly voidedAt: Instant | null;
}

/** One return of a task to the queue that counts towards its last chance. */
export interface Return {
  readonly attemptNumber: number;
  readonly agentId: AgentId;
  readonly why: 'rejected' | 'returned' | 'never_started' | 'permit_withdrawn' | 'wrong_plan';
  readonly reason: string;
  readonly at: Instant;
}

export interface PassedOver {
  readonly agentId: AgentId;
  readonly until: Instant;
}

export interface Task {
  readonly id: TaskId;
  readonly type: TaskType;
  readonly status: TaskStatus;
  /** Where inside `running` it is; null otherwise. */
  readonly stage: Stage | null;
  /** The phase that runs or comes next; a pending task of phase `apply` is approved and waits. */
  readonly phase: Phase;
  readonly reason: Reason | null;
  readonly cancelLevel: CancelLevel;
  readonly cancelCause: 'asked' | 'timed_out' | null;
  readonly autoApprove: boolean;
  readonly plan: StoredPlan | null;
  readonly approval: Approval | null;
  readonly returns: readonly Return[];
  readonly losses: number;
  readonly passedOver: readonly PassedOver[];
  /** How many attempts it has had. */
  readonly attempts: number;
  /** Its attempt that has not ended, if any. */
  readonly attemptId: AttemptId | null;
  readonly startedAt: Instant | null;
  readonly completedAt: Instant | null;
}

/** The exit record, written once by the runner when Terraform is gone. */
export interface ExitRecord {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly failedAt: 'configuration' | 'init' | 'plan' | 'apply' | null;
  /** The far side ran into the phase's time-out before the server did. */
  readonly timedOut: boolean;
  readonly logs: readonly StreamEnd[];
  readonly planChecksum: string | null;
  /** The last state that Terraform wrote. */
  readonly lastState: StateMark | null;
}

/** A state version that came from this attempt. */
export interface AttemptStateVersion extends StateMark {
  readonly id: StateVersionId;
  readonly standing: StateStanding;
}

export interface Attempt {
  readonly id: AttemptId;
  readonly taskId: TaskId;
  readonly number: number;
  readonly epoch: number;
  readonly agentId: AgentId;
  readonly action: Action;
  readonly state: AttemptState;
  readonly outcome: AttemptOutcome | null;
  readonly offeredAt: Instant;
  /** Deadline while offered. */
  readonly offerExpiresAt: Instant | null;
  readonly sentAt: Instant | null;
  readonly acceptedAt: Instant | null;
  readonly secretHash: string | null;
  /** Before now = contact lost. No deadline: nothing happens when it passes. */
  readonly leaseUntil: Instant | null;
  /** Deadline while running: silence until then ends the attempt, or abandons an apply whose permit is used. */
  readonly giveUpAt: Instant | null;
  /** Deadline while running: the phase is over its time. */
  readonly timeoutAt: Instant | null;
  /** Deadline after a cancel: no exit until then ends the attempt, or makes an apply whose permit is used `stuck`. */
  readonly stopBy: Instant | null;
  readonly permit: Permit;
  readonly nonce: string | null;
  /** The id of Terraform's own state lock, once its LOCK was answered. */
  readonly lockId: string | null;
  /** True when its death was proved before an exit record came. */
  readonly interrupted: boolean;
  readonly exitedAt: Instant | null;
  /** Deadline while exited: settle without what is still missing. */
  readonly settleBy: Instant | null;
  readonly finish: ExitRecord | null;
  /** Logs stored exactly as the exit record names them. */
  readonly logsIn: readonly Phase[];
  /** Every state stored from this attempt, oldest first. */
  readonly states: readonly AttemptStateVersion[];
  readonly endedAt: Instant | null;
  /** An exit record that came after the end. */
  readonly lateFinish: ExitRecord | null;
}

/**
 * What one transaction locks and decides about: workspace, then task, then attempt. `attempt` is the one the event speaks of:
 * the sender's own for what a far side says, otherwise the task's open one (`task.attemptId`), if there is any.
 */
export interface Aggregate {
  readonly workspace: Workspace;
  readonly task: Task;
  readonly attempt: Attempt | undefined;
}

/** A workspace that nothing has happened to. */
export const newWorkspace = (
  id: WorkspaceId,
  timeouts: Pick<Workspace, 'planTimeoutMs' | 'applyTimeoutMs'>,
): Workspace => ({
  id,
  epochCounter: 0,
  holderEpoch: 0,
  hold: null,
  lock: null,
  marks: [],
  permit: null,
  state: null,
  undecided: [],
  ...timeouts,
});

/** A task as it is created: waiting for its first assignment. */
export const newTask = (id: TaskId, type: TaskType, autoApprove: boolean): Task => ({
  id,
  type,
  status: 'pending',
  stage: null,
  phase: 'plan',
  reason: null,
  cancelLevel: 0,
  cancelCause: null,
  autoApprove,
  plan: null,
  approval: null,
  returns: [],
  losses: 0,
  passedOver: [],
  attempts: 0,
  attemptId: null,
  startedAt: null,
  completedAt: null,
});

/** An attempt as it is offered. */
export const newAttempt = (
  given: Pick<Attempt, 'id' | 'taskId' | 'number' | 'epoch' | 'agentId' | 'action' | 'offeredAt' | 'offerExpiresAt'>,
): Attempt => ({
  ...given,
  state: 'offered',
  outcome: null,
  sentAt: null,
  acceptedAt: null,
  secretHash: null,
  leaseUntil: null,
  giveUpAt: null,
  timeoutAt: null,
  stopBy: null,
  permit: 'none',
  nonce: null,
  lockId: null,
  interrupted: false,
  exitedAt: null,
  settleBy: null,
  finish: null,
  logsIn: [],
  states: [],
  endedAt: null,
  lateFinish: null,
});
