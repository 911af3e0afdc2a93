import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pool, Task } from '@groundcrew/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createLab,
  createPool,
  createTask,
  createWorkspace,
  getTask,
  type Lab,
  listAttempts,
  pushFiles,
  type RunningAgent,
  type RunningServer,
  runTask,
  SKIP_TERRAFORM,
  waitForEnd,
  waitForTask,
} from './harness/index.ts';

const TINY = { 'main.tf': 'resource "terraform_data" "a" {}' };

/** An apply that goes on until a file is there. */
const gated = (gate: string) => ({
  'main.tf': `resource "terraform_data" "a" {
    provisioner "local-exec" {
      command = "touch ${gate}.reached; until [ -e ${gate} ]; do sleep 0.05; done"
    }
  }`,
});

/** A chain is what a plan takes long for: seconds, all of them Terraform's own. */
const SLOW_PLAN = {
  'main.tf': Array.from(
    { length: 900 },
    (_, n) => `resource "terraform_data" "r${n}" { input = ${n === 0 ? '"x"' : `terraform_data.r${n - 1}.id`} }`,
  ).join('\n'),
};

describe.skipIf(SKIP_TERRAFORM)('an agent that drains', () => {
  let lab: Lab;
  let server: RunningServer;
  let pool: Pool;
  let agent: RunningAgent;
  let gates = 0;

  beforeAll(async () => {
    lab = await createLab();
    server = await lab.startServer();
    const made = await createPool(server, { allow_apply_concurrent: true });
    pool = made.pool;
    agent = await lab.startAgent({ server, token: made.token });
  });
  afterAll(() => lab?.close());

  async function beginApply(): Promise<{ task: Task; open: () => void }> {
    gates += 1;
    const gate = join(lab.folder, `gate-${gates}`);
    const workspace = await createWorkspace(server, { pool, auto_approve: true });
    await pushFiles(server, workspace, gated(gate));
    const { id } = await createTask(server, workspace);
    const task = await waitForTask(server, id, 'applying', ({ stage }) => stage === 'applying');
    await server.until('Terraform applies', () => existsSync(`${gate}.reached`) || undefined);
    return { task, open: () => writeFileSync(gate, '') };
  }

  const planTiny = async () => {
    const workspace = await createWorkspace(server, { pool });
    await pushFiles(server, workspace, TINY);
    return createTask(server, workspace, { task_type: 'plan' });
  };

  /** Refused offers count against a task, so the server must not go on making them. */
  async function expectNothingNew(): Promise<Task> {
    await server.until('the server knows', async () => (await agent.getRecord()).draining || undefined);
    const { id } = await planTiny();
    const waiting = await waitForTask(server, id, 'waiting', (task) => task.waiting !== null);
    const { agents } = await server.client.call('explainTask', { params: { task_id: id } });
    expect(agents).toMatchObject([{ name: agent.name, reason: 'draining' }]);
    expect(await listAttempts(server, id)).toEqual([]);
    return waiting;
  }

  test('after SIGTERM takes nothing new, stays for what runs, and leaves; its successor works again', async () => {
    const { task, open } = await beginApply();
    agent.signal('SIGTERM');
    const waiting = await expectNothingNew();
    expect(agent.isGone).toBe(false);
    // The link stays: a task is still heard of and told.
    expect((await agent.getRecord()).connected).toBe(true);
    open();
    expect(await waitForEnd(server, task.id)).toMatchObject({ status: 'applied' });
    await agent.exited();
    expect(agent.listFolders()).toEqual([]);
    await agent.restart();
    expect(await waitForEnd(server, waiting.id)).toMatchObject({ status: 'success' });
  });

  test('a second SIGTERM cancels plans, and no apply', async () => {
    const { task, open } = await beginApply();
    const workspace = await createWorkspace(server, { pool });
    await pushFiles(server, workspace, SLOW_PLAN);
    const plan = await createTask(server, workspace, { task_type: 'plan' });
    await waitForTask(server, plan.id, 'planning', ({ stage }) => stage === 'planning');
    agent.signal('SIGTERM');
    await server.until('the server knows', async () => (await agent.getRecord()).draining || undefined);
    expect((await getTask(server, plan.id)).status).toBe('running');
    agent.signal('SIGTERM');
    // The agent's word ends the attempt; the task itself was cancelled by nobody.
    await server.until('the plan was stopped', async () => {
      const [attempt] = await listAttempts(server, plan.id);
      return attempt?.state === 'ended' || undefined;
    });
    expect((await getTask(server, task.id)).status).toBe('running');
    expect(agent.isGone).toBe(false);
    open();
    expect(await waitForEnd(server, task.id)).toMatchObject({ status: 'applied', cancel_level: 0 });
    await agent.exited();
    await agent.restart();
  });

  test('at an administrator’s word does the same, and comes back when that is taken back', async () => {
    const { task, open } = await beginApply();
    const { id } = await agent.getRecord();
    await server.client.call('updateAgent', { params: { id }, body: { draining: true } });
    const waiting = await expectNothingNew();
    open();
    expect(await waitForEnd(server, task.id)).toMatchObject({ status: 'applied' });
    await agent.exited();
    await server.client.call('updateAgent', { params: { id }, body: { draining: false } });
    await agent.restart();
    expect(await waitForEnd(server, waiting.id)).toMatchObject({ status: 'success' });
    const workspace = await createWorkspace(server, { pool, auto_approve: true });
    await pushFiles(server, workspace, TINY);
    expect(await runTask(server, workspace)).toMatchObject({ status: 'applied' });
  });
});
