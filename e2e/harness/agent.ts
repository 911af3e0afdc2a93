import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LEAN_NODE, newSecret } from '@groundcrew/kit';
import type { Agent, Pool } from '@groundcrew/protocol';
import { bundleOf } from './bundles.ts';
import { type FoundProcess, listProcessesBelow, sendSignal } from './process-tree.ts';
import { type Program, startProgram } from './program.ts';
import type { RunningServer } from './server.ts';
import { findTerraform } from './terraform.ts';

export interface AgentOptions {
  server: RunningServer;
  /** `apt_…` or `agt_…`. */
  token: string;
  mode?: 'push' | 'pull' | 'auto';
  /** PATH of Terraform and provisioners; ours when not given. */
  path?: string;
  maxConcurrentJobs?: number;
  /** Its runners run as other users, from this one on; needs root. */
  runnerUid?: number;
  /** Added to its environment. */
  env?: Record<string, string>;
  /** Where it finds the server, when that is not the server's own address, such as a proxy's. */
  serverUrl?: string;
  /** Added to its configuration, section by section. */
  settings?: Readonly<Record<string, Readonly<Record<string, unknown>> | readonly string[] | string>>;
  /** Where its files lie, when that is not the lab's folder. */
  folder?: string;
}

/** An agent that runs, with a work folder of its own. */
export interface RunningAgent {
  readonly name: string;
  readonly workDir: string;
  /** Its configuration file. */
  readonly configuration: string;
  readonly pid: number;
  /** Whether its process has ended. */
  readonly isGone: boolean;
  readLog(): string;
  signal(signal: NodeJS.Signals): void;
  /** Resolves when the process is gone, whoever ended it. */
  exited(): Promise<void>;
  /** Processes of runners, with the folders they hold. */
  listRunners(): FoundProcess[];
  /** Folders of attempts and spares. */
  listFolders(): string[];
  /** The server's record of it. */
  getRecord(): Promise<Agent>;
  stop(): Promise<void>;
  kill9(): Promise<void>;
  /** Starts it again on the same work folder, whether or not the server can be reached. */
  launch(): void;
  /** The same, and waits until it is connected. */
  restart(): Promise<void>;
  /** Starts a newer instance beside it that takes over; from then on this is that one. Gives the older one. */
  upgrade(): Promise<Program>;
}

/** Starts an agent and waits until the server sees it online. */
export async function startAgent(folder: string, options: AgentOptions): Promise<RunningAgent> {
  const { server } = options;
  // Without one the agent would start all the same, and every task wait for it.
  if (options.path === undefined) findTerraform();
  const name = `agent-${newSecret(4).replaceAll(/[^a-z0-9]/gi, 'x')}`;
  const workDir = join(folder, name);
  const configuration = join(folder, `${name}.yaml`);
  mkdirSync(workDir, { mode: 0o700 });
  writeFileSync(configuration, yamlOf(name, workDir, options), { mode: 0o600 });
  let program: Program;

  const findRecord = async (): Promise<Agent | undefined> => {
    const { items } = await server.client.call('listAgents', { query: { limit: 200 } });
    return items.find((agent) => agent.name === name);
  };

  function launch(...args: string[]): void {
    program = startProgram({
      argv: [process.execPath, ...LEAN_NODE.agentFlags, bundleOf('agent'), configuration, ...args],
      cwd: folder,
      logFile: `${workDir}.log`,
      env: {
        PATH: process.env.PATH ?? '/usr/bin:/bin',
        HOME: workDir,
        LANG: 'C.UTF-8',
        ...LEAN_NODE.env,
        ...options.env,
      },
    });
  }

  async function start(...args: string[]): Promise<void> {
    const since = Date.now();
    launch(...args);
    await server.until(`agent ${name} is online`, async () => {
      if (program.isGone) throw new Error(`Agent ${name} ended:\n${program.readLog()}`);
      return isUp(await findRecord(), options.mode ?? 'push', since) || undefined;
    });
  }

  await start();
  return {
    name,
    workDir,
    configuration,
    get pid() {
      return program.pid;
    },
    get isGone() {
      return program.isGone;
    },
    readLog: () => program.readLog(),
    signal: (signal) => void sendSignal(program.pid, signal),
    exited: () => program.exited,
    listRunners: () =>
      listProcessesBelow(join(workDir, 'a')).filter(({ argv }) => argv.some((word) => word === bundleOf('runner'))),
    listFolders: () => readdirSync(join(workDir, 'a')).map((entry) => join(workDir, 'a', entry)),
    async getRecord() {
      const record = await findRecord();
      if (record === undefined) throw new Error(`The server knows no agent ${name}.`);
      return record;
    },
    async stop() {
      await program.stop('SIGINT');
    },
    kill9: () => program.kill9(),
    launch: () => launch(),
    async restart() {
      if (!program.isGone) await program.stop('SIGINT');
      await start();
    },
    async upgrade() {
      const older = program;
      const signedOn = () => older.readLog().split('"signed on"').length;
      const before = signedOn();
      await start('--replace');
      await server.until('the newer instance is signed on', () => signedOn() > before || undefined);
      return older;
    },
  };
}

/** A pulling agent has no socket; it counts as up when it was heard of since it started. */
function isUp(record: Agent | undefined, mode: string, since: number): boolean {
  if (record === undefined) return false;
  if (mode !== 'pull') return record.connected;
  return record.last_heartbeat_at !== null && Date.parse(record.last_heartbeat_at) >= since;
}

const yamlOf = (name: string, workDir: string, options: AgentOptions): string => {
  const { settings = {} } = options;
  const sections: Record<string, unknown> = {
    agent: {
      name,
      server_url: options.serverUrl ?? options.server.url,
      token: options.token,
      mode: options.mode ?? 'push',
    },
    resources: {
      workspace_dir: workDir,
      max_concurrent_jobs: options.maxConcurrentJobs ?? 3,
      path: options.path ?? process.env.PATH ?? '/usr/bin:/bin',
      ...(options.runnerUid === undefined ? {} : { runner_uid: options.runnerUid }),
    },
    heartbeat: { interval: '2s', timeout: '5s' },
    capabilities: { install_versions: false },
    // A test machine is busy with other tests; what an agent takes must not depend on them.
    adaptive: { enabled: false },
  };
  for (const [key, given] of Object.entries(settings))
    sections[key] = isMap(given) ? { ...(sections[key] as object), ...given } : given;
  return JSON.stringify(sections);
};

const isMap = (value: unknown): value is object => typeof value === 'object' && !Array.isArray(value);

let pools = 0;

/** A pool of its own and a token to join it. */
export async function createPool(
  { client }: RunningServer,
  settings: Partial<Pick<Pool, 'max_plan_concurrency' | 'allow_apply_concurrent' | 'selection_strategy'>> = {},
): Promise<{ pool: Pool; token: string }> {
  pools += 1;
  const pool = await client.call('createPool', { body: { name: `pool-${pools}`, ...settings } });
  const { token } = await client.call('createPoolToken', { params: { id: pool.id }, body: { name: 'lab' } });
  return { pool, token };
}
