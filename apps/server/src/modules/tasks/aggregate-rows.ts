import type {
  Action,
  AgentId,
  AttemptId,
  AttemptOutcome,
  AttemptState,
  CancelLevel,
  Permit,
  Phase,
  ReasonCode,
  Stage,
  StateVersionId,
  TaskId,
  TaskStatus,
  TaskType,
  WorkspaceId,
} from '@groundcrew/protocol';
import {
  type Aggregate,
  type Approval,
  type Attempt,
  type AttemptStateVersion,
  type ExitRecord,
  type Lock,
  type Mark,
  nextDeadline,
  type PassedOver,
  type Return,
  type Task,
  type Workspace,
} from './lifecycle/index.ts';

/** The columns of a workspace that the life cycle decides about. */
export interface WorkspaceRow {
  id: WorkspaceId;
  organization_id: string;
  epoch_counter: number;
  holder_epoch: number;
  hold_task_id: TaskId | null;
  locked_by: string | null;
  locked_by_id: string | null;
  locked_at: Date | null;
  lock_reason: string | null;
  lock_id: string | null;
  marks: Mark[];
  permit_attempt_id: AttemptId | null;
  state_version_id: StateVersionId | null;
  state_lineage: string | null;
  state_serial: number | null;
  state_checksum: string | null;
  plan_timeout_seconds: number;
  apply_timeout_seconds: number;
  undecided: StateVersionId[];
}

export interface TaskRow {
  id: TaskId;
  task_type: TaskType;
  status: TaskStatus;
  stage: Stage | null;
  phase: Phase;
  reason_code: ReasonCode | null;
  reason_message: string | null;
  cancel_level: CancelLevel;
  cancel_cause: 'asked' | 'timed_out' | null;
  auto_approve: boolean;
  plan_attempt_id: AttemptId | null;
  plan_checksum: string | null;
  plan_lineage: string | null;
  plan_serial: number | null;
  plan_stored_at: Date | null;
  plan_expires_at: Date | null;
  plan_has_changes: boolean | null;
  approval: Approval | null;
  returns: Return[];
  losses: number;
  passed_over: PassedOver[];
  attempt_counter: number;
  attempt_id: AttemptId | null;
  created_at: Date;
  started_at: Date | null;
  completed_at: Date | null;
}

export interface AttemptRow {
  id: AttemptId;
  task_id: TaskId;
  number: number;
  epoch: number;
  agent_id: AgentId;
  action: Action;
  state: AttemptState;
  outcome: AttemptOutcome | null;
  offered_at: Date;
  offer_expires_at: Date | null;
  sent_at: Date | null;
  accepted_at: Date | null;
  secret_hash: string | null;
  lease_until: Date | null;
  give_up_at: Date | null;
  timeout_at: Date | null;
  stop_by: Date | null;
  settle_by: Date | null;
  permit: Permit;
  permit_nonce: string | null;
  lock_id: string | null;
  interrupted: boolean;
  exited_at: Date | null;
  finish: ExitRecord | null;
  logs_in: Phase[];
  ended_at: Date | null;
  late_finish: ExitRecord | null;
  states: AttemptStateVersion[] | null;
}

const ms = (date: Date | null): number | null => (date === null ? null : date.getTime());
const date = (instant: number | null): Date | null => (instant === null ? null : new Date(instant));

/** Rows hold what the aggregate holds under the names of the schema; ids and closed words were checked on their way in. */
export function toWorkspace(row: WorkspaceRow): Workspace {
  const { state_version_id: id, state_lineage: lineage, state_serial: serial, state_checksum: checksum } = row;
  return {
    id: row.id,
    epochCounter: row.epoch_counter,
    holderEpoch: row.holder_epoch,
    hold: row.hold_task_id,
    lock: toLock(row),
    marks: row.marks,
    permit: row.permit_attempt_id,
    state: id === null ? null : { id, lineage: lineage ?? '', serial: serial ?? 0, checksum: checksum ?? '' },
    undecided: row.undecided,
    planTimeoutMs: row.plan_timeout_seconds * 1000,
    applyTimeoutMs: row.apply_timeout_seconds * 1000,
  };
}

function toLock(row: WorkspaceRow): Lock | null {
  if (row.locked_at === null) return null;
  const name = row.locked_by ?? 'the system';
  return {
    by: row.locked_by_id === null ? { kind: 'system' } : { kind: 'person', id: row.locked_by_id, name },
    at: row.locked_at.getTime(),
    reason: row.lock_reason ?? '',
    lockId: row.lock_id,
  };
}

/** The columns that differ between two workspaces; undefined when none does. */
export function workspaceChanges(before: Workspace, after: Workspace) {
  if (before === after) return undefined;
  const { lock, state } = after;
  return {
    epoch_counter: after.epochCounter,
    holder_epoch: after.holderEpoch,
    hold_task_id: after.hold,
    locked_by: lock === null ? null : lock.by.kind === 'person' ? lock.by.name : 'the system',
    locked_by_id: lock?.by.kind === 'person' ? lock.by.id : null,
    locked_at: date(lock?.at ?? null),
    lock_reason: lock?.reason ?? null,
    lock_id: lock?.lockId ?? null,
    marks: JSON.stringify(after.marks),
    permit_attempt_id: after.permit,
    state_version_id: state?.id ?? null,
    state_lineage: state?.lineage ?? null,
    state_serial: state?.serial ?? null,
    state_checksum: state?.checksum ?? null,
  };
}

export function toTask(row: TaskRow): Task {
  return {
    id: row.id,
    type: row.task_type,
    status: row.status,
    stage: row.stage,
    phase: row.phase,
    reason: row.reason_code === null ? null : { code: row.reason_code, message: row.reason_message ?? '' },
    cancelLevel: row.cancel_level,
    cancelCause: row.cancel_cause,
    autoApprove: row.auto_approve,
    plan: toPlan(row),
    approval: row.approval,
    returns: row.returns,
    losses: row.losses,
    passedOver: row.passed_over,
    attempts: row.attempt_counter,
    attemptId: row.attempt_id,
    startedAt: ms(row.started_at),
    completedAt: ms(row.completed_at),
  };
}

function toPlan(row: TaskRow) {
  if (row.plan_checksum === null || row.plan_attempt_id === null) return null;
  return {
    attemptId: row.plan_attempt_id,
    checksum: row.plan_checksum,
    madeFrom: row.plan_lineage === null ? null : { lineage: row.plan_lineage, serial: row.plan_serial ?? 0 },
    hasChanges: row.plan_has_changes ?? true,
    storedAt: ms(row.plan_stored_at) ?? 0,
    expiresAt: ms(row.plan_expires_at) ?? 0,
  };
}

/**
 * The columns of a task that the life cycle sets; undefined when nothing differs. The deadline depends on the attempt as well,
 * so a renewal alone changes it, and nothing else of the task.
 */
export function taskChanges(before: Aggregate, after: Aggregate) {
  const deadline = date(nextDeadline(after));
  if (before.task === after.task)
    return nextDeadline(before) === nextDeadline(after) ? undefined : { deadline_at: deadline };
  return { ...taskColumns(after.task), deadline_at: deadline };
}

function taskColumns(after: Task) {
  const { plan } = after;
  return {
    status: after.status,
    stage: after.stage,
    phase: after.phase,
    reason_code: after.reason?.code ?? null,
    reason_message: after.reason?.message ?? null,
    cancel_level: after.cancelLevel,
    cancel_cause: after.cancelCause,
    plan_attempt_id: plan?.attemptId ?? null,
    plan_checksum: plan?.checksum ?? null,
    plan_lineage: plan?.madeFrom?.lineage ?? null,
    plan_serial: plan?.madeFrom?.serial ?? null,
    plan_stored_at: date(plan?.storedAt ?? null),
    plan_expires_at: date(plan?.expiresAt ?? null),
    plan_has_changes: plan?.hasChanges ?? null,
    approval: after.approval === null ? null : JSON.stringify(after.approval),
    returns: JSON.stringify(after.returns),
    losses: after.losses,
    passed_over: JSON.stringify(after.passedOver),
    attempt_counter: after.attempts,
    attempt_id: after.attemptId,
    started_at: date(after.startedAt),
    completed_at: date(after.completedAt),
  };
}

export function toAttempt(row: AttemptRow): Attempt {
  return {
    id: row.id,
    taskId: row.task_id,
    number: row.number,
    epoch: row.epoch,
    agentId: row.agent_id,
    action: row.action,
    state: row.state,
    outcome: row.outcome,
    offeredAt: row.offered_at.getTime(),
    offerExpiresAt: ms(row.offer_expires_at),
    sentAt: ms(row.sent_at),
    acceptedAt: ms(row.accepted_at),
    secretHash: row.secret_hash,
    leaseUntil: ms(row.lease_until),
    giveUpAt: ms(row.give_up_at),
    timeoutAt: ms(row.timeout_at),
    stopBy: ms(row.stop_by),
    permit: row.permit,
    nonce: row.permit_nonce,
    lockId: row.lock_id,
    interrupted: row.interrupted,
    exitedAt: ms(row.exited_at),
    settleBy: ms(row.settle_by),
    finish: row.finish,
    logsIn: row.logs_in,
    states: row.states ?? [],
    endedAt: ms(row.ended_at),
    lateFinish: row.late_finish,
  };
}

/** The columns of an attempt that the life cycle sets after it was offered. */
export function attemptChanges(before: Attempt | undefined, after: Attempt) {
  if (before === after) return undefined;
  return {
    state: after.state,
    outcome: after.outcome,
    offer_expires_at: date(after.offerExpiresAt),
    sent_at: date(after.sentAt),
    accepted_at: date(after.acceptedAt),
    secret_hash: after.secretHash,
    lease_until: date(after.leaseUntil),
    give_up_at: date(after.giveUpAt),
    timeout_at: date(after.timeoutAt),
    stop_by: date(after.stopBy),
    settle_by: date(after.settleBy),
    permit: after.permit,
    permit_nonce: after.nonce,
    lock_id: after.lockId,
    interrupted: after.interrupted,
    exited_at: date(after.exitedAt),
    finish: after.finish === null ? null : JSON.stringify(after.finish),
    logs_in: JSON.stringify(after.logsIn),
    ended_at: date(after.endedAt),
    late_finish: after.lateFinish === null ? null : JSON.stringify(after.lateFinish),
    exit_code: after.finish?.exitCode ?? null,
    signal: after.finish?.signal ?? null,
  };
}

/** An aggregate with what its rows say beyond the life cycle. */
export interface Loaded {
  organizationId: string;
  aggregate: Aggregate;
  /** The database's clock when the workspace was locked, in milliseconds. */
  now: number;
  /** When the task was created, on the same clock. */
  createdAt: number;
}
