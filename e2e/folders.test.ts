import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Pool, Task, Workspace } from '@groundcrew/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  cancel,
  createLab,
  createPool,
  createTask,
  createWorkspace,
  type Lab,
  listAttempts,
  listProcessesBelow,
  pushFiles,
  type RunningAgent,
  type RunningServer,
  runTask,
  SKIP_TERRAFORM,
  sendSignal,
  waitForEnd,
  waitForTask,
} from './harness/index.ts';

const TINY = { 'main.tf': 'resource "terraform_data" "a" {}' };
const gated = (gate: string) => ({
  'main.tf': `resource "terraform_data" "a" {
    provisioner "local-exec" {
      command = "echo ran >> ${gate}.ledger; until [ -e ${gate} ]; do sleep 0.05; done"
    }
  }`,
});

describe.skipIf(SKIP_TERRAFORM)('what stands in the attempts’ folder', () => {
  let lab: Lab;
  let server: RunningServer;
  let pool: Pool;
  let agent: RunningAgent;
  let gates = 0;

  beforeAll(async () => {
    lab = await createLab();
    server = await lab.startServer({ env: { GROUNDCREW_LEASES_RENEW: '3s' } });
    const made = await createPool(server, { allow_apply_concurrent: true });
    pool = made.pool;
    agent = await lab.startAgent({ server, token: made.token });
  });
  afterAll(() => lab?.close());

  interface Begun {
    task: Task;
    workspace: Workspace;
    gate: string;
    folder: string;
  }

  /** An apply under way, with its folder. */
  async function beginApply(): Promise<Begun> {
    gates += 1;
    const gate = join(lab.folder, `gate-${gates}`);
    const workspace = await createWorkspace(server, { pool, auto_approve: true });
    await pushFiles(server, workspace, gated(gate));
    const { id } = await createTask(server, workspace);
    const task = await waitForTask(server, id, 'applying', ({ stage }) => stage === 'applying');
    await server.until('Terraform applies', () => existsSync(`${gate}.ledger`) || undefined);
    const folder = agent.listFolders().find((path) => readText(join(path, 'task.json')).includes(id)) ?? '';
    return { task, workspace, gate, folder };
  }

  async function expectApplied({ task, gate }: Begun): Promise<void> {
    writeFileSync(gate, '');
    expect(await waitForEnd(server, task.id)).toMatchObject({ status: 'applied' });
    expect(await listAttempts(server, task.id)).toMatchObject([{ number: 1, outcome: 'finished', permit: 'used' }]);
    expect(readFileSync(`${gate}.ledger`, 'utf8')).toBe('ran\n');
  }

  /** Whatever else is the matter, the agent runs other people's tasks. */
  async function expectOthersRun(): Promise<void> {
    const workspace = await createWorkspace(server, { pool });
    await pushFiles(server, workspace, TINY);
    expect(await runTask(server, workspace, { task_type: 'plan' })).toMatchObject({ status: 'success' });
  }

  const runnerIn = ({ folder }: Begun) => agent.listRunners().find(({ argv }) => argv.at(-1) === folder)?.pid ?? 0;

  test('that is none of ours is left alone', async () => {
    const dir = join(agent.workDir, 'a');
    const elsewhere = lab.newFolder('elsewhere');
    writeFileSync(join(elsewhere, 'runner.json'), '{}');
    writeFileSync(join(dir, 'notes.txt'), 'mine');
    mkdirSync(join(dir, 'somebody-else'));
    writeFileSync(join(dir, 'somebody-else', 'keep'), 'this');
    symlinkSync(elsewhere, join(dir, 'a-link'));
    await agent.restart();
    await expectOthersRun();
    expect(readText(join(dir, 'notes.txt'))).toBe('mine');
    expect(readText(join(dir, 'somebody-else', 'keep'))).toBe('this');
    expect(existsSync(join(elsewhere, 'runner.json'))).toBe(true);
    for (const name of ['notes.txt', 'somebody-else', 'a-link']) rmSync(join(dir, name), { recursive: true });
  });

  test('and lost its task.json is known again by what the server had given; and is closed again to others', async () => {
    const begun = await beginApply();
    await agent.kill9();
    truncateSync(join(begun.folder, 'task.json'), 10);
    sendSignal(runnerIn(begun), 'SIGKILL');
    chmodSync(begun.folder, 0o755);
    await agent.restart();
    await server.until('somebody looks after it', () => runnerIn(begun) > 0 || undefined);
    expect(statSync(begun.folder).mode & 0o777).toBe(0o700);
    await expectApplied(begun);
  });

  test('and holds work that nobody can name is kept, and said so', async () => {
    const begun = await beginApply();
    writeFileSync(begun.gate, '');
    // A copy from the middle of an attempt, of which only the work is left.
    const kept = join(agent.workDir, 'a', 'kept');
    cpSync(begun.folder, kept, { recursive: true, filter: (path) => !/(sock|task\.json|data\.json)$/.test(path) });
    await waitForEnd(server, begun.task.id);
    await agent.restart();
    await expectOthersRun();
    expect(existsSync(join(kept, 'journal'))).toBe(true);
    expect(agent.readLog()).toContain('its task.json cannot be read; it is left as it is');
    rmSync(kept, { recursive: true });
  });

  test('without its secret is silent: Terraform goes on, others run, and then the slot is free and the folder kept', async () => {
    const begun = await beginApply();
    await agent.kill9();
    rmSync(join(begun.folder, 'secret'));
    sendSignal(runnerIn(begun), 'SIGKILL');
    await agent.restart();
    await server.until('somebody looks after it', () => runnerIn(begun) > 0 || undefined);
    await expectOthersRun();
    expect(readText(join(begun.folder, 'runner.log'))).toContain('nobody can speak for this attempt');
    expect(agent.readLog()).not.toContain('nobody can speak for this attempt');
    const isTerraforms = ({ pid }: { pid: number }) => pid !== runnerIn(begun);
    for (const { pid } of listProcessesBelow(begun.folder).filter(isTerraforms)) sendSignal(pid, 'SIGKILL');
    await server.until('it is said', () => agent.readLog().includes('nobody can speak for this attempt') || undefined);
    await server.until('its runner has left', () => runnerIn(begun) === 0 || undefined);
    expect(existsSync(join(begun.folder, 'raw-apply'))).toBe(true);
  });

  test('is cancelled by its own lease when there is no agent', async () => {
    const begun = await beginApply();
    await agent.kill9();
    await cancel(server, begun.task.id);
    await server.until('Terraform is interrupted', () => interruptIn(begun.folder));
    expect(await waitForEnd(server, begun.task.id)).toMatchObject({ status: 'cancelled' });
    await agent.restart();
  });
});

describe.skipIf(SKIP_TERRAFORM)('an agent whose clock is wrong', () => {
  let lab: Lab;
  let server: RunningServer;
  beforeAll(async () => {
    lab = await createLab();
    server = await lab.startServer();
  });
  afterAll(() => lab?.close());

  test.each([
    ['an hour ahead', 3_600_000],
    ['an hour behind', -3_600_000],
  ])('by %s signs on once, and works', async (_, offsetMs) => {
    const { pool, token } = await createPool(server);
    const shift = join(lab.folder, `shift-${offsetMs}.cjs`);
    writeFileSync(shift, `const now = Date.now; Date.now = () => now() + ${offsetMs};`);
    const agent = await lab.startAgent({ server, token, env: { NODE_OPTIONS: `--require ${shift}` } });
    const workspace = await createWorkspace(server, { pool, auto_approve: true });
    await pushFiles(server, workspace, TINY);
    expect(await runTask(server, workspace)).toMatchObject({ status: 'applied' });
    expect(agent.readLog().split('"signed on"')).toHaveLength(2);
    expect((await agent.getRecord()).status).toBe('online');
  });
});

describe.skipIf(SKIP_TERRAFORM)('an attempt whose next renewal and heartbeat are far away', () => {
  let lab: Lab;
  let server: RunningServer;
  beforeAll(async () => {
    lab = await createLab();
    const leases = {
      GROUNDCREW_LEASES_LEASE: '1h',
      GROUNDCREW_LEASES_RENEW: '30m',
      GROUNDCREW_LEASES_LOST_AFTER: '2h',
    };
    server = await lab.startServer({ env: leases });
  });
  afterAll(() => lab?.close());

  test('is cancelled over the socket', async () => {
    const { pool, token } = await createPool(server);
    const agent = await lab.startAgent({ server, token, settings: { heartbeat: { interval: '5m' } } });
    const workspace = await createWorkspace(server, { pool, auto_approve: true });
    const gate = join(lab.folder, 'gate');
    await pushFiles(server, workspace, gated(gate));
    const { id } = await createTask(server, workspace);
    await server.until('Terraform applies', () => existsSync(`${gate}.ledger`) || undefined);
    const folder = agent.listFolders().find((path) => readText(join(path, 'task.json')).includes(id)) ?? '';
    await cancel(server, id);
    await server.until('Terraform is interrupted', () => interruptIn(folder));
    expect(await waitForEnd(server, id)).toMatchObject({ status: 'cancelled' });
  });
});

const readText = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');

/** When the first SIGINT was written down, which is right before it is sent. */
function interruptIn(folder: string): number | undefined {
  const line = readText(join(folder, 'journal', 'interrupts'))
    .split('\n')
    .find((text) => text.includes('SIGINT'));
  return line === undefined ? undefined : (JSON.parse(line) as { at: number }).at;
}
