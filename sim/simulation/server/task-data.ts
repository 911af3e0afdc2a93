import type { TaskData } from '@groundcrew/protocol';
import type { Attempt } from '@groundcrew/server/lifecycle';
import type { Database } from './database.ts';
import type { Caller } from './tables.ts';

/** Everything that an attempt is told, secrets included. */
export function describeAttempt(database: Database, { taskId }: Caller, attempt: Attempt): TaskData {
  const { workspace, tasks } = database.fenceOf(taskId);
  const task = tasks.find(({ id }) => id === taskId);
  const mood = database.tables.tasks.get(taskId)?.mood ?? '';
  const secrets = database.tables.secrets.get(workspace.id) ?? [];
  const planFile =
    attempt.action === 'apply' && task?.plan ? database.tables.planFiles.get(task.plan.attemptId) : undefined;
  const variable = (key: string, value: string, sensitive: boolean) =>
    ({ key, value, category: 'env', hcl: false, sensitive }) as const;
  return {
    task: {
      id: taskId,
      workspace_id: workspace.id,
      task_type: task?.type ?? 'plan',
      action: attempt.action,
      context: {},
      created_at: '2026-01-01T00:00:00.000Z',
      destroy: false,
      refresh_only: false,
      targets: [],
      replace: [],
      parallelism: null,
    },
    workspace: {
      workspace_id: workspace.id,
      name: workspace.id,
      terraform_version: null,
      tool: 'terraform',
      execution_mode: 'agent',
      provider_config: null,
      tf_code: 'resource "null_resource" "a" {}\n',
      system_variables: {},
      working_directory: '',
    },
    resources: [],
    variables: [
      variable('TF_VAR_workspace', workspace.id, false),
      variable('TF_VAR_mood', mood, false),
      ...secrets.map((secret, at) => variable(at === 0 ? 'SECRET_ENV' : `SECRET_ENV_${at}`, secret, true)),
    ],
    state_version: null,
    configuration: null,
    plan_file: planFile
      ? { attempt_id: planFile.attemptId, checksum: planFile.planChecksum, size: planFile.bundle.length }
      : null,
    attempt: {
      id: attempt.id,
      number: attempt.number,
      epoch: attempt.epoch,
      action: attempt.action,
      plan_timeout_seconds: workspace.planTimeoutMs / 1000,
      apply_timeout_seconds: workspace.applyTimeoutMs / 1000,
      cancel_level: task?.cancelLevel ?? 0,
    },
  } as TaskData;
}
