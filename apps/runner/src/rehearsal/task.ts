import { gzipSync } from 'node:zlib';
import { sha256Hex } from '@groundcrew/kit';
import type { RunnerTask, TaskData } from '@groundcrew/protocol';
import { pack } from 'tar-stream';

/** The task of a rehearsal. */
export const TASK = {
  attempt_id: 'att-rehearsal',
  task_id: 'task-rehearsal',
  workspace_id: 'ws-rehearsal',
  action: 'plan_apply',
  epoch: 0,
  tool: 'terraform',
  terraform_version: null,
  written_at: '',
} as RunnerTask;

/** What its server answers when it is asked for everything: a little of each thing there is. */
export async function rehearsalData(): Promise<TaskData> {
  const tar = pack();
  tar.entry({ name: 'main.tf' }, 'variable "a" {}\n');
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as unknown as AsyncIterable<Buffer>) chunks.push(chunk);
  const archive = gzipSync(Buffer.concat(chunks));
  const { task_id: id, workspace_id, action } = TASK;
  return {
    task: {
      id,
      workspace_id,
      task_type: 'plan_and_apply',
      action,
      context: {},
      created_at: '',
      destroy: false,
      refresh_only: false,
      targets: [],
      replace: [],
      parallelism: null,
    },
    workspace: {
      workspace_id,
      name: '',
      terraform_version: null,
      tool: 'terraform',
      execution_mode: 'agent',
      provider_config: null,
      tf_code: null,
      system_variables: {},
      working_directory: '',
    },
    resources: [],
    variables: [{ key: 'a', value: 'rehearsal', category: 'terraform', hcl: false, sensitive: true }],
    state_version: null,
    configuration: {
      configuration_id: 'cv-rehearsal',
      source: 'archive',
      checksum: sha256Hex(archive),
      size: archive.length,
      content: archive.toString('base64'),
    },
    plan_file: null,
    attempt: {
      id: TASK.attempt_id,
      number: 0,
      epoch: 0,
      action,
      plan_timeout_seconds: 60,
      apply_timeout_seconds: 60,
      cancel_level: 0,
    },
  } as unknown as TaskData;
}
