import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pool, Task, Workspace } from '@groundcrew/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  bundleOf,
  createLab,
  createPool,
  createTask,
  createWorkspace,
  getTask,
  type Lab,
  listAttempts,
  listProcessesBelow,
  pushFiles,
  type RunningAgent,
  type RunningServer,
  runTask,
  SKIP_TERRAFORM,
  sendSignal,
  startProgram,
  waitForEnd,
  waitForTask,
} from './harness/index.ts';

const TINY = { 'main.tf': 'resource "terraform_data" "a" {}' };
/** An apply that goes on until a file is there, and says in a ledger how often it ran. */
const gated = (gate: string) => ({
  'main.tf': `resource "terraform_data" "a" {
    provisioner "local-exec" {
      command = "echo ran >> ${gate}.ledger; until [ -e ${gate} ]; do sleep 0.05; done"
    }
  }`,
});

describe.skipIf(SKIP_TERRAFORM)('agents one after the other, and side by side', () => {
  let lab: Lab;
  let server: RunningServer;
  let gates = 0;

  beforeAll(async () => {
    lab = await createLab();
    server = await lab.startServer();
  });
  afterAll(() => lab?.close());

  interface Begun {
    task: Task;
    workspace: Workspace;
    gate: string;
  }

  async function beginApply(given: Parameters<typeof createWorkspace>[1]): Promise<Begun> {
    gates += 1;
    const gate = join(lab.folder, `gate-${gates}`);
    const workspace = await createWorkspace(server, { ...given, auto_approve: true });
    await pushFiles(server, workspace, gated(gate));
    const { id } = await createTask(server, workspace);
    const task = await waitForTask(server, id, 'applying', ({ stage }) => stage === 'applying');
    await server.until('Terraform applies', () => existsSync(`${gate}.ledger`) || undefined);
    return { task, workspace, gate };
  }

  /** Opens the gate; applied once, in one attempt, the state whole. */
  async function expectApplied({ task, workspace, gate }: Begun, at: RunningServer = server): Promise<void> {
    writeFileSync(gate, '');
    expect(await waitForEnd(at, task.id)).toMatchObject({ status: 'applied', error_message: null });
    expect(await listAttempts(at, task.id)).toMatchObject([{ number: 1, outcome: 'finished', permit: 'used' }]);
    expect(readFileSync(`${gate}.ledger`, 'utf8')).toBe('ran\n');
    const answer = await at.client.call('downloadState', { params: { workspace_id: workspace.workspace_id } });
    expect(JSON.parse(Buffer.from(await answer.bytes()).toString()).resources).toHaveLength(1);
  }

  /** The runner whose folder belongs to the task. */
  const runnerOf = (agent: RunningAgent, { task }: Begun) =>
    agent.listRunners().find(({ argv }) => hasTask(argv.at(-1) ?? '', task.id));

  async function crew(settings: Partial<Pick<Pool, 'allow_apply_concurrent'>> = {}) {
    const { pool, token } = await createPool(server, settings);
    return { pool, token, agent: await lab.startAgent({ server, token }) };
  }

  test('a newer instance takes over, the older one leaves, no runner is replaced', async () => {
    const { pool, agent } = await crew({ allow_apply_concurrent: true });
    const begun = await beginApply({ pool });
    const [record, runner] = [await agent.getRecord(), runnerOf(agent, begun)];
    expect(runner).toBeDefined();
    const older = await agent.upgrade();
    await older.exited;
    expect(await agent.getRecord()).toMatchObject({ id: record.id, agent_id: record.agent_id, connected: true });
    expect(runnerOf(agent, begun)?.pid).toBe(runner?.pid);
    // It takes new work, beside what it took over.
    const workspace = await createWorkspace(server, { pool });
    await pushFiles(server, workspace, TINY);
    expect(await runTask(server, workspace, { task_type: 'plan' })).toMatchObject({ status: 'success' });
    expect((await agent.getRecord()).running_attempts).toBe(1);
    await expectApplied(begun);
    await server.until('only a spare is left', () => agent.listFolders().length <= 1 || undefined);
  });

  test('another agent in the same folder, or in a copy of it, is told so and leaves; the first works on', async () => {
    const { pool, agent } = await crew();
    const again = startProgram(programOf(lab, agent.name, agent.workDir));
    await again.exited;
    expect(again.readLog()).toContain(`Another agent already works in ${agent.workDir}; stop it, start this one with`);
    const copied = join(lab.folder, 'copied');
    cpSync(agent.workDir, copied, { recursive: true, filter: (path) => !path.endsWith('sock') });
    const twin = startProgram(programOf(lab, agent.name, copied));
    await twin.exited;
    expect(twin.readLog()).toContain('is already signed on from another work folder, of which this one is a copy');
    const workspace = await createWorkspace(server, { pool });
    await pushFiles(server, workspace, TINY);
    expect(await runTask(server, workspace, { task_type: 'plan' })).toMatchObject({ status: 'success' });
    expect((await agent.getRecord()).draining).toBe(false);
  });

  test('after kill -9 of agent and runner the folder has a runner again within 5 s of the new agent', async () => {
    const { pool, agent } = await crew();
    const begun = await beginApply({ pool });
    const runner = runnerOf(agent, begun);
    await agent.kill9();
    sendSignal(runner?.pid ?? 0, 'SIGKILL');
    await agent.restart();
    const upAt = Date.now();
    await server.until('a successor holds the folder', () => {
      const found = runnerOf(agent, begun);
      return (found !== undefined && found.pid !== runner?.pid) || undefined;
    });
    expect(Date.now() - upAt).toBeLessThan(5_000);
    expect((await getTask(server, begun.task.id)).status).toBe('running');
    await expectApplied(begun);
  });

  test('the server killed and started elsewhere owns its own agent, and runners find it there', async () => {
    const home = lab.newFolder('moving');
    const first = await lab.startServer({ home });
    const back = server;
    server = first;
    const begun = await beginApply({ execution_mode: 'server' });
    server = back;
    const [older] = agentsIn(home);
    expect(older).toBeDefined();
    await first.kill9();
    const second = await lab.startServer({ home, env: { GROUNDCREW_SIGN_IN_TOKEN: 'always' } });
    expect(second.url).not.toBe(first.url);
    await second.until('the older agent has left', () => !agentsIn(home).includes(older ?? 0) || undefined);
    await expectApplied(begun, second);
    await second.stop();
    expect(agentsIn(home)).toEqual([]);
  });
});

const agentsIn = (home: string): number[] =>
  listProcessesBelow(home)
    .concat(listAgentsOf(home))
    .filter(({ argv }) => argv.includes(bundleOf('agent')))
    .map(({ pid }) => pid);

/** The server's own agent has the folder in its environment only. */
const listAgentsOf = (home: string) =>
  listProcessesBelow(bundleOf('agent')).filter(({ pid }) => environmentOf(pid).includes(`=${home}/agent`));

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return '';
  }
}

function hasTask(folder: string, id: string): boolean {
  try {
    return readFileSync(join(folder, 'task.json'), 'utf8').includes(id);
  } catch {
    return false;
  }
}

/** The configuration of an agent of the lab's, in another work folder. */
function programOf(lab: Lab, name: string, workDir: string): Parameters<typeof startProgram>[0] {
  const file = join(lab.folder, `${name}-again.yaml`);
  const given = JSON.parse(readFileSync(join(lab.folder, `${name}.yaml`), 'utf8'));
  writeFileSync(file, JSON.stringify({ ...given, resources: { ...given.resources, workspace_dir: workDir } }));
  return {
    argv: [process.execPath, bundleOf('agent'), file],
    cwd: lab.folder,
    env: { PATH: process.env.PATH ?? '', HOME: lab.folder },
    logFile: `${file}.log`,
  };
}
