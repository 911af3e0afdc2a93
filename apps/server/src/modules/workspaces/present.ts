import type { Workspace } from '@groundcrew/protocol';
import type { WorkspaceRow } from './workspace.ts';

/** Set for every task by the server itself. */
const SYSTEM_VARIABLES: Readonly<Record<string, string>> = {};

/** A row as the API shows it; ids and closed words were checked on their way in. */
export function presentWorkspace(row: WorkspaceRow): Workspace {
  return {
    workspace_id: row.id,
    name: row.name,
    description: row.description,
    organization_id: row.organization_id,
    tool: row.tool,
    terraform_version: row.terraform_version,
    execution_mode: row.execution_mode,
    agent_pool_id: row.agent_pool_id,
    k8s_config_id: row.k8s_config_id,
    labels: row.labels,
    preferred_labels: row.preferred_labels,
    max_concurrent_tasks: row.max_concurrent_tasks,
    auto_approve: row.auto_approve,
    working_directory: row.working_directory,
    provider_config: row.provider_config,
    tf_code: row.tf_code,
    system_variables: SYSTEM_VARIABLES,
    plan_timeout_seconds: row.plan_timeout_seconds,
    apply_timeout_seconds: row.apply_timeout_seconds,
    locked:
      row.locked_by === null
        ? null
        : { by: row.locked_by, at: (row.locked_at ?? row.updated_at).toISOString(), reason: row.lock_reason ?? '' },
    unproven_attempts: row.marks.map(({ taskId, attemptId, attemptNumber, since }) => ({
      task_id: taskId,
      attempt_id: attemptId,
      attempt_number: attemptNumber,
      since: new Date(since).toISOString(),
    })),
    hold_task_id: row.hold_task_id,
    configuration_id: row.configuration_id,
    // PostgreSQL writes microseconds into JSON; the wire has milliseconds.
    tf_state: row.state && { ...row.state, created_at: new Date(row.state.created_at).toISOString() },
    quarantined_states: row.quarantined_states,
    metadata: row.metadata,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  } as Workspace;
}
