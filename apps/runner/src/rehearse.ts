import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Client } from '@groundcrew/client';
import { sha256Hex } from '@groundcrew/kit';
import type { RunnerBirth, RunnerTask, TaskData } from '@groundcrew/protocol';
import { pack } from 'tar-stream';
import { attemptFolder, createFolders, replaceFile } from './folder/index.ts';
import { openJournal } from './journal/index.ts';
import { createWishes } from './lease/index.ts';
import { type AttemptDeps, openAttempt, openFolder } from './open-attempt.ts';
import { createProgramFinder, createStanding, runAttempt } from './phases/index.ts';

type RehearsalDeps = Pick<AttemptDeps, 'folder' | 'birth' | 'version' | 'clock' | 'random' | 'logger'>;

/** Folder of the program that stands in for Terraform. */
const STAND_IN = fileURLToPath(new URL('../assets/rehearsal/', import.meta.url));

/**
 * Carries out a whole attempt that touches nothing, with a stand-in for Terraform and another for the server. What a program
 * does for the first time takes it several times as long: this is done while nobody waits. Cut short by `over`; never fails.
 */
export async function rehearse({ folder, birth, logger, ...deps }: RehearsalDeps, over: AbortSignal): Promise<void> {
  const scratch = attemptFolder(join(folder.tmp, 'rehearsal'));
  const quiet = logger.child({}, { level: 'silent' });
  try {
    await createFolders(scratch);
    // What an agent would have put there.
    for (const path of [scratch.birth, scratch.task, scratch.secret]) await replaceFile(path, '');
    const born: RunnerBirth = { ...birth, path: `${STAND_IN}:${birth.path}`, versions_dir: scratch.tmp };
    const client = standInServer(birth.server_url, await rehearsalTask());
    const wishes = createWishes();
    over.addEventListener('abort', () => wishes.fence(), { once: true });
    const open = await openFolder({
      ...deps,
      folder: scratch,
      journal: await openJournal(scratch.journal),
      birth: born,
      programs: createProgramFinder(born),
      logger: quiet,
      client,
      wishes,
      task: TASK,
      secret: 'nobody-asks-for-this-one',
      standing: createStanding(),
      onStarted: () => {},
      reserve: Promise.resolve({ release: async () => {} }),
    });
    const attempt = await openAttempt(open);
    const { result } = await runAttempt(attempt.context, 'begin');
    await attempt.close();
    await open.close();
    if (result !== 'succeeded' && !over.aborted) throw new Error(`it ended as ${result}`);
  } catch (error) {
    logger.debug({ err: error }, 'the rehearsal failed; the first attempt will be a little slower');
  } finally {
    await rm(scratch.root, { recursive: true, force: true });
  }
}

const TASK = {
  attempt_id: 'att-rehearsal',
  task_id: 'task-rehearsal',
  workspace_id: 'ws-rehearsal',
  action: 'plan_apply',
  epoch: 0,
  tool: 'terraform',
  terraform_version: null,
  written_at: '',
} as RunnerTask;

async function rehearsalTask(): Promise<TaskData> {
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

/** Says yes to everything. */
function standInServer(baseUrl: string, data: TaskData): Client {
  const lengths: Record<string, number> = {};
  const answers: Record<string, (input: { raw?: Uint8Array }, call: { headers?: Record<string, unknown> }) => unknown> =
    {
      getTaskData: () => data,
      renewAttempt: () => ({
        verdict: 'go_on',
        lease_seconds: 60,
        renew_after_seconds: 15,
        cancel_level: 0,
        log_interval_ms: 1000,
        watched: false,
      }),
      reportPlan: () => ({ approved: true, has_changes: true, proceed: true }),
      askPermit: () => ({ permit: 'live', epoch: 0 }),
      finishAttempt: () => ({ confirmed: true, missing: [] }),
      appendLog: ({ raw }, { headers }) => {
        const phase = String(headers?.['x-log-phase']);
        lengths[phase] = (lengths[phase] ?? 0) + (raw?.length ?? 0);
        return { status: 'saved', next_offset: lengths[phase], saved_bytes: raw?.length ?? 0 };
      },
    };
  const call = async (name: string, input: object = {}, options: object = {}) => answers[name]?.(input, options);
  return { baseUrl, call } as unknown as Client;
}
