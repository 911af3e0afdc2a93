import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentState } from '@groundcrew/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  cancel,
  createLab,
  createPool,
  createTask,
  createWorkspace,
  getTask,
  type Lab,
  pushExample,
  pushFiles,
  type RunningServer,
  runTask,
  SKIP_TERRAFORM,
  setVariable,
  waitForEnd,
  waitForTask,
} from './harness/index.ts';

const findState = (path: string): AgentState | undefined =>
  existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;

const TINY = { 'main.tf': 'resource "terraform_data" "a" {}' };

describe.skipIf(SKIP_TERRAFORM)('several agents', () => {
  let lab: Lab;
  let server: RunningServer;

  beforeAll(async () => {
    lab = await createLab();
    server = await lab.startServer();
  });
  afterAll(() => lab?.close());

  test('an agent that applies takes nothing new until that has ended; the other one does', async () => {
    const { pool, token } = await createPool(server);
    const agents = [await lab.startAgent({ server, token }), await lab.startAgent({ server, token })];
    const slow = async () => {
      const workspace = await createWorkspace(server, { pool, auto_approve: true });
      await pushExample(server, workspace, 'slow-apply');
      await setVariable(server, workspace, { key: 'seconds', value: '60' });
      const { id } = await createTask(server, workspace);
      return waitForTask(server, id, 'applying', ({ stage }) => stage === 'applying');
    };
    const [first, second] = [await slow(), await slow()];
    // One apply each.
    expect([first.agent_name, second.agent_name].toSorted()).toEqual(agents.map(({ name }) => name).toSorted());

    const workspace = await createWorkspace(server, { pool });
    await pushFiles(server, workspace, TINY);
    const { id } = await createTask(server, workspace, { task_type: 'plan' });
    const waiting = await waitForTask(server, id, 'waiting', (task) => task.waiting !== null);
    expect(waiting.status).toBe('pending');
    const explained = await server.client.call('explainTask', { params: { task_id: id } });
    expect(
      explained.agents.map(({ name, reason }) => ({ name, reason })).toSorted((a, b) => a.name.localeCompare(b.name)),
    ).toEqual(
      agents.map(({ name }) => ({ name, reason: 'applying' })).toSorted((a, b) => a.name.localeCompare(b.name)),
    );
    await cancel(server, second.id);
    await waitForEnd(server, second.id);
    const planned = await waitForEnd(server, id);
    expect(planned).toMatchObject({ status: 'success', agent_name: second.agent_name });
    expect((await getTask(server, first.id)).status).toBe('running');
    await cancel(server, first.id);
    expect((await waitForEnd(server, first.id)).status).toBe('cancelled');
  });

  test('an apply may start beside running plans, and plans fill both agents up to their limit', async () => {
    const { pool, token } = await createPool(server, { max_plan_concurrency: 1 });
    await lab.startAgent({ server, token });
    await lab.startAgent({ server, token });
    const workspace = await createWorkspace(server, { pool });
    await pushFiles(server, workspace, TINY);
    const tasks = await Promise.all(
      Array.from({ length: 6 }, () => createTask(server, workspace, { task_type: 'plan' })),
    );
    const ended = await Promise.all(tasks.map(({ id }) => waitForEnd(server, id)));
    expect(ended.map(({ status }) => status)).toEqual(tasks.map(() => 'success'));
    expect(new Set(ended.map(({ agent_id }) => agent_id)).size).toBe(2);
  });

  test('a pool without an agent says so, and the task runs once there is one', async () => {
    const { pool, token } = await createPool(server);
    const workspace = await createWorkspace(server, { pool });
    await pushFiles(server, workspace, TINY);
    const { id } = await createTask(server, workspace, { task_type: 'plan' });
    const waiting = await waitForTask(server, id, 'waiting', (task) => task.waiting !== null);
    expect(waiting.waiting?.message).toMatch(/agent/i);
    await lab.startAgent({ server, token });
    expect((await waitForEnd(server, id)).status).toBe('success');
  });

  test('an agent that a static pool does not list yet waits, says why, and is in once it is listed', async () => {
    const { pool, token } = await createPool(server);
    await server.client.call('updatePool', { params: { id: pool.id }, body: { pool_type: 'static' } });
    const stateFile = join(lab.folder, 'door.json');
    const settings = { agent: { agent_id: 'door-1' }, state_file: stateFile };
    const starting = lab.startAgent({ server, token, settings });
    const findWaiting = () => (findState(stateFile)?.status === 'error' ? findState(stateFile) : undefined);
    // The start fails at once should the agent not wait.
    const state = await Promise.race([server.until('the agent waits', findWaiting), starting.then(() => undefined)]);
    expect(state?.reason).toContain('listed members only');
    const listed = { name: state?.name ?? '', pool_id: pool.id, agent_id: 'door-1' };
    await server.client.call('createAgent', { body: listed });
    const agent = await starting;
    expect(agent.readLog().split('does not take this agent yet')).toHaveLength(2);
    expect(agent.readLog()).toContain('the server takes this agent now');
  });

  test('an agent restarted while idle takes work again; a revoked token takes it away', async () => {
    const { pool, token } = await createPool(server);
    const agent = await lab.startAgent({ server, token });
    const workspace = await createWorkspace(server, { pool });
    await pushFiles(server, workspace, TINY);
    expect((await runTask(server, workspace, { task_type: 'plan' })).status).toBe('success');
    await agent.restart();
    expect((await runTask(server, workspace, { task_type: 'plan' })).status).toBe('success');
    expect(agent.listRunners().length).toBeLessThanOrEqual(2);
    const { items } = await server.client.call('listPoolTokens', { params: { id: pool.id } });
    await server.client.call('revokePoolToken', { params: { id: pool.id, token_id: items[0]!.id } });
    await server.until('the agent is cut off', async () => (await agent.getRecord()).connected === false || undefined);
    const { id } = await createTask(server, workspace, { task_type: 'plan' });
    await waitForTask(server, id, 'waiting', (task) => task.waiting !== null);
    await cancel(server, id);
  });
});
