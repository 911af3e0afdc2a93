import type { WorkspaceUpdate } from '@groundcrew/protocol';

/** A workspace as stored, with what is told of its state. The columns of the fence belong to the life cycle of tasks. */
export interface WorkspaceRow {
  id: string;
  organization_id: string;
  name: string;
  description: string;
  tool: string;
  terraform_version: string | null;
  execution_mode: string;
  agent_pool_id: string | null;
  k8s_config_id: string | null;
  labels: string[];
  preferred_labels: string[];
  max_concurrent_tasks: number | null;
  auto_approve: boolean;
  working_directory: string;
  provider_config: Record<string, unknown> | null;
  tf_code: string | null;
  plan_timeout_seconds: number;
  apply_timeout_seconds: number;
  metadata: Record<string, string>;
  locked_by: string | null;
  locked_at: Date | null;
  lock_reason: string | null;
  /** Closed attempts that are not proved dead; the life cycle's. */
  marks: { taskId: string; attemptId: string; attemptNumber: number; since: number }[];
  hold_task_id: string | null;
  configuration_id: string | null;
  state: {
    id: string;
    version: number;
    serial: number;
    lineage: string;
    resource_count: number;
    created_at: string;
  } | null;
  quarantined_states: number;
  created_at: Date;
  updated_at: Date;
}

/** What decides where tasks run. */
export type Placement = Pick<WorkspaceRow, 'execution_mode' | 'agent_pool_id'>;

/** Why a workspace cannot be deleted, as code and sentence, or undefined. `force` is for what a person may decide to leave behind. */
export function findDeleteObstacle(
  workspace: WorkspaceRow,
  openTasks: readonly string[],
  force: boolean,
): { code: 'in_use' | 'locked'; sentence: string } | undefined {
  const { name, state } = workspace;
  if (openTasks.length > 0)
    return {
      code: 'in_use',
      sentence: `Workspace ${name} has work that has not ended (${openTasks.join(', ')}); wait for it, or cancel it first.`,
    };
  if (workspace.locked_by !== null)
    return {
      code: 'locked',
      sentence: `Workspace ${name} is locked by ${workspace.locked_by}${reasonOf(workspace)}; unlock it first.`,
    };
  if (force) return undefined;
  const [unproven] = workspace.marks;
  if (unproven !== undefined)
    return {
      code: 'in_use',
      sentence: `Terraform of attempt ${unproven.attemptNumber} (task ${unproven.taskId}) was closed without proof that it is dead and may still be changing things; wait for that proof, or delete with force=true.`,
    };
  if (state !== null && state.resource_count > 0)
    return {
      code: 'in_use',
      sentence: `The state of workspace ${name} still holds ${state.resource_count} resources; destroy them first, or delete with force=true and leave them behind.`,
    };
  if (workspace.quarantined_states > 0)
    return {
      code: 'in_use',
      sentence: `Workspace ${name} has ${workspace.quarantined_states} quarantined states that nobody has decided about; look at them first, or delete with force=true.`,
    };
  return undefined;
}

const reasonOf = ({ lock_reason }: WorkspaceRow): string => (lock_reason ? ` (${lock_reason})` : '');

/** Fields of an update that are stored as JSON. */
const JSON_FIELDS = new Set(['labels', 'preferred_labels', 'provider_config', 'metadata']);

/** The columns that an update changes; what was not given is not touched. */
export function toColumns(changes: WorkspaceUpdate): Record<string, unknown> {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    given.map(([key, value]) => [key, JSON_FIELDS.has(key) && value !== null ? JSON.stringify(value) : value]),
  );
}

/** Of a workspace, or of changes to one, what the audit log may keep. Provider settings often hold credentials. */
export function toAudited(fields: object, keys: readonly string[] = Object.keys(fields)): Record<string, unknown> {
  const entries = keys.map((key) => [key, (fields as Record<string, unknown>)[key]] as const);
  return Object.fromEntries(
    entries
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, key === 'provider_config' && value !== null ? '(not shown)' : value]),
  );
}
