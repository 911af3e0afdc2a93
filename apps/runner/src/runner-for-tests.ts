import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { RunnerBirth, type RunnerTask, TaskData } from '@groundcrew/protocol';
import type { FakeAttempt, FakeControlPlane } from '@groundcrew/testkit/fake-control-plane';
import { pack } from 'tar-stream';
import { onTestFinished } from 'vitest';
import { type AttemptFolder, attemptFolder } from './folder/index.ts';
import { commandRecord, killGroup } from './launcher/index.ts';

const id = (prefix: string) => `${prefix}-${'a'.repeat(12)}${Math.floor(Math.random() * 1e8)}`.replace(/[019]/g, 'b');

/** What an attempt is made from; everything else is usual. */
export interface AttemptSpec {
  action?: 'plan' | 'plan_apply' | 'apply';
  /** Files of the configuration. */
  files: Record<string, string>;
  variables?: TaskData['variables'];
  task?: Partial<TaskData['task']>;
  workspace?: Partial<TaskData['workspace']>;
  attempt?: Partial<TaskData['attempt']>;
  planFile?: TaskData['plan_file'];
}

export async function archiveOf(files: Record<string, string>): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as unknown as AsyncIterable<Buffer>) chunks.push(chunk);
  return gzipSync(Buffer.concat(chunks));
}

async function dataOf({
  action = 'plan_apply',
  files,
  variables = [],
  task,
  workspace,
  attempt,
  planFile,
}: AttemptSpec) {
  const { createHash } = await import('node:crypto');
  const archive = await archiveOf(files);
  const checksum = createHash('sha256').update(archive).digest('hex');
  const taskId = id('task');
  const workspaceId = id('ws');
  const data = TaskData.parse({
    task: {
      id: taskId,
      workspace_id: workspaceId,
      task_type: action === 'plan' ? 'plan' : 'plan_and_apply',
      action,
      context: {},
      created_at: '2026-01-01T00:00:00.000Z',
      destroy: false,
      refresh_only: false,
      targets: [],
      replace: [],
      parallelism: null,
      ...task,
    },
    workspace: {
      workspace_id: workspaceId,
      name: 'w',
      terraform_version: null,
      tool: 'terraform',
      execution_mode: 'agent',
      provider_config: null,
      tf_code: null,
      system_variables: {},
      working_directory: '',
      ...workspace,
    },
    resources: [],
    variables,
    state_version: null,
    configuration: { configuration_id: id('cv'), source: 'archive', checksum, size: archive.length },
    plan_file: planFile ?? null,
    attempt: {
      id: id('att'),
      number: 1,
      epoch: 7,
      action,
      plan_timeout_seconds: 60,
      apply_timeout_seconds: 60,
      cancel_level: 0,
      ...attempt,
    },
  });
  return { data, archive };
}

export const SECRET = 'attempt-secret-0123456789';

/** A folder as an agent leaves it, and a server that knows the attempt. */
export interface Prepared {
  folder: AttemptFolder;
  attempt: FakeAttempt;
  task: RunnerTask;
}

export async function prepareAttempt(
  server: FakeControlPlane,
  spec: AttemptSpec & { given?: Partial<FakeAttempt> },
): Promise<Prepared> {
  const { data, archive } = await dataOf(spec);
  const attempt = server.accept(SECRET, { data, archive, ...spec.given });
  Object.assign(attempt, spec.given);
  const folder = bareFolder(server);
  const { id: attempt_id, epoch, action } = data.attempt;
  const { tool, terraform_version } = data.workspace;
  const task: RunnerTask = {
    attempt_id,
    task_id: data.task.id,
    workspace_id: data.task.workspace_id,
    action,
    epoch,
    tool,
    terraform_version,
    written_at: 'now',
  };
  return { folder, attempt, task };
}

export function bareFolder(server: Pick<FakeControlPlane, 'url'>): AttemptFolder {
  const root = mkdtempSync(join(tmpdir(), 'gc-runner-'));
  const folder = attemptFolder(root);
  onTestFinished(() => {
    for (const command of ['init', 'providers', 'plan', 'show', 'apply'] as const) {
      const process = existsSync(folder.journal) ? commandRecord(folder.journal, command).findProcess() : undefined;
      if (process) killGroup(process);
    }
    rmSync(root, { recursive: true, force: true });
  });
  const versions = join(root, '..', 'gc-runner-versions-for-tests');
  mkdirSync(versions, { recursive: true });
  const install = { enabled: false, terraform_url: null, tofu_url: null, key_file: null };
  const birth = RunnerBirth.parse({
    link_version: 1,
    server_url: server.url,
    versions_dir: versions,
    path: process.env.PATH,
    install,
  });
  writeFileSync(folder.birth, JSON.stringify(birth));
  return folder;
}

/** Makes the folder an attempt's, as the agent does. */
export function writeTask({ folder, task }: Prepared): void {
  writeFileSync(folder.secret, SECRET, { mode: 0o600 });
  writeFileSync(`${folder.task}.new`, JSON.stringify(task));
  // By rename in reality; nobody reads it half-written here either.
  writeFileSync(folder.task, readFileSync(`${folder.task}.new`));
}

export interface RunningRunner {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  readonly messages: Record<string, unknown>[];
  send(message: unknown): void;
  /** Waits until a message of the runner's fits. */
  heard(type: string): Promise<Record<string, unknown>>;
  /** Leaves as an agent that dies. */
  detach(): void;
  kill(): Promise<void>;
}

const GONE = { type: 'gone' };
const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

/** Starts a runner's process on a folder, as the agent does, and attaches to it. */
export async function startRunner(folder: AttemptFolder, main = MAIN): Promise<RunningRunner> {
  const { openSync, closeSync } = await import('node:fs');
  const log = openSync(folder.log, 'a', 0o600);
  const env = { PATH: process.env.PATH, LANG: 'C.UTF-8', HOME: folder.root };
  const child = spawn(process.execPath, [main, folder.root], {
    cwd: folder.root,
    detached: true,
    stdio: ['ignore', log, log],
    env,
  });
  closeSync(log);
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  onTestFinished(() => void child.kill('SIGKILL'));
  const messages: Record<string, unknown>[] = [];
  const socket = await attach(folder, exited);
  if (socket) {
    const lines = createInterface({ input: socket });
    lines.on('line', (line) => messages.push(JSON.parse(line)));
    lines.on('error', () => {});
  }
  const isGone = () => child.exitCode !== null && (socket === undefined || socket.destroyed);
  return {
    child,
    exited,
    messages,
    send: (message) => void socket?.write(`${JSON.stringify(message)}\n`),
    heard: async (type) => {
      const found = await until(
        () => messages.find((message) => message.type === type) ?? (isGone() ? GONE : undefined),
        () => readFileSync(folder.log, 'utf8'),
      );
      if (found === GONE) throw new Error(`the runner left without ${type}:\n${readFileSync(folder.log, 'utf8')}`);
      return found;
    },
    detach: () => void socket?.destroy(),
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function attach(folder: AttemptFolder, exited: Promise<unknown>): Promise<Socket | undefined> {
  let gone = false;
  void exited.then(() => {
    gone = true;
  });
  while (!gone) {
    const socket = connect({ path: folder.socket });
    socket.on('error', () => {});
    // A predecessor that was just killed may still be connected to for a moment, but greets nobody.
    const greeted = await new Promise<boolean>((resolve) => {
      socket.once('readable', () => resolve(socket.readableLength > 0));
      socket.once('close', () => resolve(false));
    });
    if (greeted) {
      socket.write('{"type":"hello","link_version":1}\n');
      return socket;
    }
    await sleep(10);
  }
  return undefined;
}

/** Waits for something to become true; fails with `explain` after 20 s. */
export async function until<T>(what: () => T | undefined | false, explain: () => string = () => ''): Promise<T> {
  for (let i = 0; i < 4_000; i += 1) {
    const found = what();
    if (found !== undefined && found !== false) return found;
    await sleep(5);
  }
  throw new Error(`waited in vain for ${what}\n${explain()}`);
}

/** Terraform's output as it stands in the raw file. */
export const rawLog = (folder: AttemptFolder, phase: 'plan' | 'apply'): string =>
  existsSync(folder.raw[phase]) ? readFileSync(folder.raw[phase], 'utf8') : '';

/** An attempt that a runner has begun with. */
export type Started = Prepared & { readonly runner: RunningRunner };

/** Prepares an attempt and has a runner begin with it. */
export async function startAttempt(server: FakeControlPlane, spec: AttemptSpec & { given?: object }): Promise<Started> {
  const prepared = await prepareAttempt(server, spec);
  writeTask(prepared);
  return { ...prepared, runner: await startRunner(prepared.folder) };
}
