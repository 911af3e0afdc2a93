import type { AgentPermissions, DataVariable, TaskData } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { type Executor, named } from '../../platform/database/index.ts';
import { AppError } from '../../platform/http/index.ts';
import type { AttemptIdentity } from './attempt-store.ts';

interface DataRow {
  task: Omit<TaskData['task'], 'action' | 'created_at'>;
  task_created_at: Date;
  cancel_level: 0 | 1 | 2 | 3;
  workspace: TaskData['workspace'];
  attempt: Omit<TaskData['attempt'], 'cancel_level' | 'allowed_providers'>;
  permissions: Partial<AgentPermissions>;
  configuration_given: boolean;
  configuration: TaskData['configuration'];
  plan_file: TaskData['plan_file'];
  state: { id: string; version: number; checksum: string; size: number; lineage: string; serial: number } | null;
  resources: TaskData['resources'];
  resources_wanted: number;
  variables: {
    id: string;
    key: string;
    category: 'terraform' | 'env';
    hcl: boolean;
    sensitive: boolean;
    value: string | null;
    value_sealed: string | null;
  }[];
}

/** Everything of an attempt's data in one statement, so that all of it is from the same moment. */
async function readData(db: Executor, attempt: AttemptIdentity): Promise<DataRow | undefined> {
  const { rows } = await sql<DataRow>`${named('read_attempt_data')}
    SELECT
      jsonb_build_object('id', t.id, 'workspace_id', t.workspace_id, 'task_type', t.task_type, 'context', t.context, 'destroy', t.destroy,
        'refresh_only', t.refresh_only, 'targets', t.targets, 'replace', t.replace, 'parallelism', t.parallelism) AS task,
      t.created_at AS task_created_at, t.cancel_level,
      jsonb_build_object('workspace_id', w.id, 'name', w.name, 'terraform_version', w.terraform_version, 'tool', w.tool, 'execution_mode', w.execution_mode,
        'provider_config', w.provider_config, 'tf_code', w.tf_code, 'system_variables', '{}'::jsonb, 'working_directory', w.working_directory) AS workspace,
      jsonb_build_object('id', a.id, 'number', a.number, 'epoch', a.epoch, 'action', a.action,
        'plan_timeout_seconds', w.plan_timeout_seconds, 'apply_timeout_seconds', w.apply_timeout_seconds) AS attempt,
      g.permissions,
      t.configuration_id IS NOT NULL AS configuration_given,
      (SELECT jsonb_build_object('configuration_id', c.id, 'source', c.source, 'checksum', c.checksum, 'size', c.size)
        FROM configurations c WHERE c.id = t.configuration_id) AS configuration,
      (SELECT jsonb_build_object('attempt_id', p.attempt_id, 'checksum', p.plan_checksum, 'size', p.size)
        FROM plan_files p WHERE p.attempt_id = t.plan_attempt_id AND a.action = 'apply') AS plan_file,
      (SELECT jsonb_build_object('id', v.id, 'version', v.version, 'checksum', v.checksum, 'size', v.size, 'lineage', v.lineage, 'serial', v.serial)
        FROM state_versions v WHERE v.workspace_id = w.id AND v.standing = 'current') AS state,
      (SELECT coalesce(jsonb_agg(jsonb_build_object('resource_id', r.id, 'name', r.name, 'type', rv.type, 'version', rv.version, 'tf_code', rv.tf_code) ORDER BY r.name), '[]')
        FROM jsonb_to_recordset(t.resource_versions) AS wanted(resource_id text, version integer)
          JOIN resources r ON r.id = wanted.resource_id JOIN resource_versions rv ON rv.resource_id = r.id AND rv.version = wanted.version) AS resources,
      jsonb_array_length(t.resource_versions) AS resources_wanted,
      (SELECT coalesce(jsonb_agg(jsonb_build_object('id', x.id, 'key', x.key, 'category', x.category, 'hcl', x.hcl, 'sensitive', x.sensitive,
        'value', x.value, 'value_sealed', encode(x.value_sealed, 'base64')) ORDER BY x.key), '[]')
        FROM variables x WHERE x.workspace_id = w.id) AS variables
    FROM attempts a JOIN tasks t ON t.id = a.task_id JOIN workspaces w ON w.id = a.workspace_id JOIN agents g ON g.id = a.agent_id
    WHERE a.id = ${attempt.attemptId}`.execute(db);
  return rows[0];
}

export interface AttemptDataDeps {
  db: Executor;
  openVariable: (organizationId: string, variableId: string, sealed: Buffer) => Promise<string>;
}

/** A state to be read with its place, for callers that want its content inline. */
export type AttemptData = TaskData & { stateId: string | null };

/**
 * Puts together what an attempt needs. Any part that is missing is an error, never an empty default: a configuration that
 * silently came out empty would plan to destroy everything. Secrets only for an agent that may see them, and never with a gap.
 */
export async function readAttemptData(
  { db, openVariable }: AttemptDataDeps,
  attempt: AttemptIdentity,
): Promise<AttemptData> {
  const row = await readData(db, attempt);
  if (row === undefined) throw new AppError('not_found', `There is no attempt ${attempt.attemptId}.`);
  refuseGaps(row);
  const variables = await Promise.all(
    row.variables.map((variable) => openOne(variable, attempt.organizationId, openVariable)),
  );
  const { id: stateId = null, ...state } = row.state ?? {};
  return {
    task: { ...row.task, action: row.attempt.action, created_at: row.task_created_at.toISOString() },
    workspace: row.workspace,
    resources: row.resources,
    variables,
    state_version: row.state === null ? null : (state as TaskData['state_version']),
    configuration: row.configuration,
    plan_file: row.plan_file,
    attempt: {
      ...row.attempt,
      cancel_level: row.cancel_level,
      allowed_providers: row.permissions.allowed_providers ?? null,
    },
    stateId,
  } as AttemptData;
}

function refuseGaps(row: DataRow): void {
  if (row.configuration_given && row.configuration === null)
    throw new AppError('not_found', 'The configuration of this task is gone; push it again and ask for a new task.');
  if (row.resources.length !== row.resources_wanted)
    throw new AppError('not_found', 'A resource fragment of this task is gone; ask for a new task.');
  if (row.attempt.action === 'apply' && row.plan_file === null)
    throw new AppError('not_found', 'The stored plan of this task is gone; ask for a new task.');
  const secret = row.variables.find((variable) => variable.sensitive);
  if (secret !== undefined && row.permissions.can_access_secrets === false)
    throw new AppError(
      'forbidden',
      `This agent may not read secrets, and variable ${secret.key} is one; give it the permission or run the task on another agent.`,
    );
}

async function openOne(
  variable: DataRow['variables'][number],
  organizationId: string,
  open: AttemptDataDeps['openVariable'],
): Promise<DataVariable> {
  const { id, key, category, hcl, sensitive, value, value_sealed } = variable;
  const text = value_sealed === null ? value : await open(organizationId, id, Buffer.from(value_sealed, 'base64'));
  return { key, value: text ?? '', category, hcl, sensitive };
}
