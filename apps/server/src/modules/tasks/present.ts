import { type Attempt, isTerminal, type Task, type TaskStatusAnswer } from '@groundcrew/protocol';
import { contactLostSince } from './verdict.ts';
import type { AttemptView, TaskView } from './view-store.ts';

const iso = (date: Date | null): string | null => (date === null ? null : date.toISOString());

/** A row as the API shows it. Ids and closed words were checked on their way in. */
export function presentTask(row: TaskView): Task {
  return {
    id: row.id,
    workspace_id: row.workspace_id,
    workspace_name: row.workspace_name,
    task_type: row.task_type,
    action: actionOf(row),
    status: row.status,
    stage: row.status === 'running' ? row.stage : null,
    phase: row.phase,
    reason: row.reason_code === null ? null : { code: row.reason_code, message: row.reason_message ?? '' },
    // What was last said of it may be older than its present offer.
    waiting: row.status === 'pending' && row.attempt_id === null ? row.waiting : null,
    cancel_level: row.cancel_level,
    auto_approve: row.auto_approve,
    destroy: row.destroy,
    refresh_only: row.refresh_only,
    targets: row.targets,
    replace: row.replace,
    parallelism: row.parallelism,
    configuration_id: row.configuration_id,
    agent_id: row.agent_id,
    agent_name: row.agent_name,
    k8s_config_id: null,
    k8s_pod_name: null,
    execution_node: row.agent_name,
    plan: presentPlan(row),
    changes_add: row.changes_add,
    changes_change: row.changes_change,
    changes_destroy: row.changes_destroy,
    changes_replace: row.changes_replace,
    changes_import: row.changes_import,
    progress: row.progress,
    contact_lost_since: contactLostSince(row),
    duration: durationOf(row),
    error_message: row.error_message,
    message: row.message,
    priority: row.priority,
    context: row.context,
    created_by: row.created_by,
    created_at: row.created_at.toISOString(),
    started_at: iso(row.started_at),
    completed_at: iso(row.completed_at),
  } as Task;
}

function actionOf(row: TaskView): string {
  if (row.attempt_action !== null && row.attempt_id !== null) return row.attempt_action;
  if (row.task_type === 'plan') return 'plan';
  if (row.phase === 'apply') return 'apply';
  return row.auto_approve ? 'plan_apply' : 'plan';
}

function presentPlan(row: TaskView) {
  if (row.plan_checksum === null || row.plan_attempt_id === null) return null;
  return {
    attempt_id: row.plan_attempt_id,
    checksum: row.plan_checksum,
    has_changes: row.plan_has_changes ?? true,
    lineage: row.plan_lineage,
    serial: row.plan_serial,
    expires_at: (row.plan_expires_at ?? row.created_at).toISOString(),
  };
}

function durationOf(row: TaskView): number | null {
  if (row.started_at === null) return null;
  const end = isTerminal(row.status) ? (row.completed_at ?? row.now) : row.now;
  return Math.max(0, Math.round(end.getTime() - row.started_at.getTime()) / 1000);
}

export function presentStatus(row: TaskView): TaskStatusAnswer {
  const { id, status, stage, reason, changes_add, changes_change, changes_destroy, duration, completed_at, progress } =
    presentTask(row);
  return { id, status, stage, reason, changes_add, changes_change, changes_destroy, duration, completed_at, progress };
}

export const presentAttempt = (row: AttemptView): Attempt =>
  ({
    ...row,
    offered_at: row.offered_at.toISOString(),
    sent_at: iso(row.sent_at),
    accepted_at: iso(row.accepted_at),
    lease_until: iso(row.lease_until),
    exited_at: iso(row.exited_at),
    ended_at: iso(row.ended_at),
  }) as Attempt;
