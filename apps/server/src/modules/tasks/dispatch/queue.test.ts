import type { PoolId, QueueSummary } from '@groundcrew/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCandidateReader } from '../../agents/index.ts';
import { START_FIGURES } from '../lifecycle/index.ts';
import {
  acceptOffer,
  exitRecord,
  type LiveServer,
  makeAgent,
  makeCrew,
  makeWorkspace,
  startLiveServer,
  type TestAgent,
} from '../live-server-for-tests.ts';
import { createSnapshotReader } from './snapshot-reader.ts';

let server: LiveServer;
beforeAll(async () => {
  server = await startLiveServer();
});
afterAll(() => server.close());

const pass = () => server.modules.tasks.dispatcher.pass();
const create = (workspaceId: string, given: Record<string, unknown> = {}) =>
  server.must('createTask', server.owner, { body: { workspace_id: workspaceId, task_type: 'plan', ...given } });
const explain = (id: string) => server.must('explainTask', server.owner, { params: { task_id: id } });
const poolOf = async (id: string): Promise<QueueSummary['pools'][number]> => {
  const { pools } = await server.must('getQueueSummary', server.owner, { query: { pool_id: id } });
  return pools[0] as QueueSummary['pools'][number];
};
const updateAgent = (id: string, body: Record<string, unknown>) =>
  server.must('updateAgent', server.owner, { params: { id }, body });
const updateWorkspace = (workspace_id: string, body: Record<string, unknown>) =>
  server.must('updateWorkspace', server.owner, { params: { workspace_id }, body });
const endAll = async () => {
  await server.db.updateTable('attempts').set({ state: 'ended' }).execute();
  await server.db.updateTable('tasks').set({ status: 'success', attempt_id: null }).execute();
};

const createReader = () =>
  createSnapshotReader({
    candidates: createCandidateReader(),
    silentOffersUntilSuspect: START_FIGURES.silentOffersUntilSuspect,
  });

test('a reader that remembers sees what one sees that reads everything', async () => {
  const remembering = createReader();
  const { pool, agents, token } = await makeCrew(server);
  const [first, second] = [await makeWorkspace(server, pool.id), await makeWorkspace(server, pool.id)];
  const [one, two] = [first.workspace_id, second.workspace_id];
  const params = (workspace_id: string) => ({ params: { workspace_id } });
  const { id } = await create(one, { task_type: 'plan_and_apply', auto_approve: true, priority: 4 });
  const agent = agents[0] as TestAgent;
  const changes: (() => Promise<unknown>)[] = [
    async () => undefined,
    () => create(two, { priority: -3 }),
    () => server.must('lockWorkspace', server.owner, { ...params(one), body: { reason: 'no' } }),
    () => updateWorkspace(two, { labels: ['gpu'], preferred_labels: ['eu'], max_concurrent_tasks: 2 }),
    () => updateAgent(agent.id, { permissions: { can_access_secrets: false }, labels: ['gpu'] }),
    () =>
      server.must('createVariable', server.owner, { ...params(one), body: { key: 'a', value: 'b', sensitive: true } }),
    () => pass(),
    () => server.must('unlockWorkspace', server.owner, { ...params(one), body: {} }),
    () => makeAgent(server, token, 'late', { max_concurrent_jobs: 2 }),
    () =>
      server.must('heartbeat', agent.token, {
        params: { id: agent.agentId },
        body: { agent_id: agent.agentId, draining: true },
      }),
    () => server.must('updateQueueLimits', server.owner, { body: { max_concurrent_tasks: 7 } }),
    () => pass(),
    () => server.must('cancelTask', server.owner, { params: { task_id: id }, body: {} }),
    () => server.must('revokeAgentToken', server.owner, { params: { id: agent.id } }),
    () => server.must('updateQueueLimits', server.owner, { body: { max_concurrent_tasks: null } }),
    () => endAll(),
  ];
  for (const [n, change] of changes.entries()) {
    await change();
    const [known, fresh] = [await remembering.read(server.db), await createReader().read(server.db)];
    const plain = ({ snapshot }: typeof known) => ({
      ...snapshot,
      now: 0,
      agents: snapshot.agents.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      workspaces: snapshot.tasks.map(({ workspaceId }) => snapshot.workspaces.get(workspaceId)),
    });
    expect(plain(known), `after change ${n}`).toEqual(plain(fresh));
    for (const { arrival } of fresh.snapshot.tasks)
      expect(known.said.get(arrival)?.waiting).toEqual(fresh.said.get(arrival)?.waiting);
  }
});

test('after a reading that failed everything is read anew', async () => {
  const reader = createReader();
  await makeCrew(server, 2);
  const count = async () => (await reader.read(server.db)).snapshot.agents.length;
  const before = await count();
  expect(before).toBeGreaterThanOrEqual(2);
  // The agents are read on a table that is there, the queue on one that is not.
  await server.db.schema.alterTable('tasks').renameTo('hidden_tasks').execute();
  await expect(reader.read(server.db)).rejects.toThrow();
  await server.db.schema.alterTable('hidden_tasks').renameTo('tasks').execute();
  expect(await count()).toBe(before);
});

test('many offers at once write what one offer writes', async () => {
  const { pool } = await makeCrew(server);
  const [lone, shared] = [await makeWorkspace(server, pool.id), await makeWorkspace(server, pool.id)];
  const rowsOf = async (taskId: string) => {
    const attempt = await server.db
      .selectFrom('attempts')
      .selectAll()
      .where('task_id', '=', taskId)
      .executeTakeFirstOrThrow();
    const task = await server.db.selectFrom('tasks').selectAll().where('id', '=', taskId).executeTakeFirstOrThrow();
    const history = await server.must('listTaskEvents', server.owner, { params: { task_id: taskId } });
    const events = await server.db
      .selectFrom('events')
      .select(['noun', 'kind'])
      .where('subject_id', '=', taskId)
      .orderBy('seq')
      .execute();
    const differ = {
      id: '',
      task_id: '',
      workspace_id: '',
      agent_id: '',
      epoch: 0,
      offered_at: 0,
      offer_expires_at: 0,
      created_at: 0,
    };
    return {
      attempt: { ...attempt, ...differ },
      task: {
        ...task,
        id: '',
        workspace_id: '',
        seq: 0,
        attempt_id: '',
        deadline_at: task.deadline_at !== null,
        created_at: 0,
        waiting: null,
      },
      offer: {
        lasts: Number(attempt.offer_expires_at) - Number(attempt.offered_at),
        until: Number(task.deadline_at) - Number(attempt.offer_expires_at),
      },
      history: history.items.map(({ kind }) => kind),
      events,
      isOpen: task.attempt_id === attempt.id,
    };
  };
  const single = await create(lone.workspace_id, { task_type: 'plan_and_apply' });
  expect(await pass()).toBe(1);
  await endAll();
  const alone = await rowsOf(single.id);
  const batch = [
    await create(shared.workspace_id, { task_type: 'plan_and_apply' }),
    await create(shared.workspace_id),
    await create(shared.workspace_id),
  ];
  expect(await pass()).toBe(3);
  const [first] = await Promise.all(batch.map(({ id }) => rowsOf(id)));
  const { status, attempt_id: _, ...kept } = alone.task;
  expect(status).toBe('success');
  expect(first).toEqual({
    ...alone,
    isOpen: true,
    attempt: { ...alone.attempt, state: 'offered' },
    task: { ...kept, status: 'pending', attempt_id: '' },
  });
  const workspace = await server.db
    .selectFrom('workspaces')
    .select(['epoch_counter', 'hold_task_id'])
    .where('id', '=', shared.workspace_id)
    .executeTakeFirstOrThrow();
  expect(workspace).toEqual({ epoch_counter: 3, hold_task_id: batch[0]?.id });
  const epochs = await server.db
    .selectFrom('attempts')
    .select('epoch')
    .where('workspace_id', '=', shared.workspace_id)
    .orderBy('epoch')
    .execute();
  expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
  await endAll();
});

test('a workspace that somebody is busy with is waited for by its own task only', async () => {
  const { pool } = await makeCrew(server);
  const [busy, free] = [await makeWorkspace(server, pool.id), await makeWorkspace(server, pool.id)];
  const tasks = [await create(busy.workspace_id), await create(free.workspace_id)];
  const [release, hasLock] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const locked = server.db.transaction().execute(async (tx) => {
    await tx.selectFrom('workspaces').select('id').where('id', '=', busy.workspace_id).forUpdate().execute();
    hasLock.resolve();
    await release.promise;
  });
  await hasLock.promise;
  const passed = pass();
  const offered = async (n: number) =>
    (await server.must('listAttempts', server.owner, { params: { task_id: tasks[n]?.id ?? '' } })).items.length;
  await expect.poll(() => offered(1), { timeout: 5_000 }).toBe(1);
  expect(await offered(0)).toBe(0);
  release.resolve();
  await locked;
  expect(await passed).toBe(2);
  expect(await offered(0)).toBe(1);
  await endAll();
});

describe('why a task waits', () => {
  test('its place, the rule, each agent with the way out', async () => {
    const { pool, agents } = await makeCrew(server, 2);
    const [one, two] = agents as [TestAgent, TestAgent];
    const { workspace_id } = await makeWorkspace(server, pool.id, { labels: ['gpu'] });
    await updateAgent(two.id, { draining: true, labels: ['gpu'] });
    const [first, second] = [await create(workspace_id), await create(workspace_id)];
    await pass();
    const said = await explain(second.id);
    expect(said).toMatchObject({ waiting: true, state: 'waiting', position: 2, rule: 'nobody_online' });
    expect(said.agents.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toMatchObject([
      {
        name: one.agentId,
        reason: 'label_missing',
        message: 'It does not carry the label gpu.',
        way_out: { command: `agent update ${one.agentId} --label <label>` },
      },
      { name: two.agentId, reason: 'draining', way_out: { command: `agent resume ${two.agentId}` } },
    ]);
    expect((await explain(first.id)).position).toBe(1);
    await server.must('updateWorkspace', server.owner, {
      params: { workspace_id },
      body: { labels: [], max_concurrent_tasks: 1 },
    });
    expect(await pass()).toBe(1);
    expect(await explain(second.id)).toMatchObject({
      rule: 'workspace_limit',
      message: 'The workspace runs 1 of at most 1 task at once.',
    });
    expect((await explain(second.id)).ways_out[0]?.command).toBe(`workspace update ${workspace_id} --max-tasks <n>`);
    await endAll();
  });

  test('whoever has a right on the workspace alone learns why it waits, and nothing of the agents', async () => {
    const { pool } = await makeCrew(server);
    const { workspace_id } = await makeWorkspace(server, pool.id, { labels: ['moon'] });
    const { id } = await create(workspace_id);
    const explainTo = async (role: string) => {
      const user = await server.must('createUser', server.owner, { body: { name: `sees-as-${role}`, role } });
      const body = { user_id: user.id, name: 'sees' };
      if (role === 'member')
        await server.must('createGrant', server.owner, { body: { workspace_id, user_id: user.id, role: 'admin' } });
      const { token } = await server.must('createToken', server.owner, { body });
      return server.must('explainTask', token, { params: { task_id: id } });
    };
    const [viewer, member] = [await explainTo('viewer'), await explainTo('member')];
    expect(viewer.agents).toMatchObject([{ reason: 'label_missing' }]);
    expect(member).toEqual({ ...viewer, agents: [] });
    expect(JSON.stringify(member)).not.toContain(viewer.agents[0]?.name);
    await endAll();
  });

  test('a task that does not wait for an agent says what it waits for', async () => {
    const { pool, agents } = await makeCrew(server);
    const agent = agents[0] as TestAgent;
    const { workspace_id } = await makeWorkspace(server, pool.id);
    const { id } = await create(workspace_id);
    await pass();
    expect(await explain(id)).toMatchObject({
      waiting: false,
      state: 'offered',
      position: null,
      message: expect.stringContaining(agent.agentId),
    });
    const attempt = await acceptOffer(server, agent, id);
    expect(await explain(id)).toMatchObject({
      state: 'running',
      message: `It runs on agent ${agent.agentId}, fetching.`,
    });
    await attempt.must('finishAttempt', { body: exitRecord({ result: 'failed', exit_code: 1, failed_at: 'plan' }) });
    expect(await explain(id)).toMatchObject({
      state: 'ended',
      message: expect.stringMatching(/^It has ended: failed\. /),
    });
    expect(
      (await server.call('explainTask', server.owner, { params: { task_id: 'task-aaaaaaaaaaaaaaaaaaaa' } })).status,
    ).toBe(404);
  });

  test('an adaptive limit is told in the agent’s own words', async () => {
    const { pool, agents } = await makeCrew(server);
    const agent = agents[0] as TestAgent;
    const body = { agent_id: agent.agentId, plan_task_limit: 0, plan_task_limit_reason: 'CPU at 97 % for a minute.' };
    await server.must('heartbeat', agent.token, { params: { id: agent.agentId }, body });
    const { id } = await create((await makeWorkspace(server, pool.id)).workspace_id);
    expect(await pass()).toBe(0);
    expect((await explain(id)).agents).toMatchObject([
      {
        reason: 'adaptive_limit',
        message: 'It runs 0 plans and takes at most 0 at present: CPU at 97 % for a minute.',
        way_out: null,
      },
    ]);
    await endAll();
  });
});

describe('the queue in numbers', () => {
  test('counts what waits, runs and is free, and what further agents would change', async () => {
    const { pool, agents } = await makeCrew(server, 1);
    const { id: poolId } = pool;
    expect(await poolOf(poolId)).toMatchObject({
      waiting: 0,
      helped: 0,
      agents_wanted: 0,
      running: 0,
      free_slots: 3,
      oldest_waiting_seconds: null,
    });
    for (let n = 0; n < 8; n += 1) await create((await makeWorkspace(server, poolId)).workspace_id);
    const locked = await makeWorkspace(server, poolId);
    await create(locked.workspace_id);
    await server.must('lockWorkspace', server.owner, { params: { workspace_id: locked.workspace_id }, body: {} });
    const rare = await makeWorkspace(server, poolId, { labels: ['moon'] });
    await create(rare.workspace_id);
    await pass();
    const before = await poolOf(poolId);
    expect(before).toMatchObject({
      name: pool.name,
      waiting: 7,
      waiting_by_rule: { nobody_free: 5, locked: 1, nobody_able: 1 },
      running: 3,
      free_slots: 0,
      helped: 5,
      helped_by_one: 3,
      agents_wanted: 2,
      agents: { online: 0, busy: 1, error: 0, offline: 0, draining: 0 },
    });
    expect(before.oldest_waiting_seconds).toBeGreaterThanOrEqual(0);
    await server.must('updatePool', server.owner, { params: { id: poolId }, body: { max_concurrent_tasks: 4 } });
    expect(await poolOf(poolId)).toMatchObject({
      helped: 1,
      helped_by_one: 1,
      agents_wanted: 1,
      waiting_by_rule: { nobody_free: 5 },
    });
    await updateAgent(agents[0]?.id ?? '', { max_concurrent_tasks: 5 });
    expect((await server.must('getAgent', server.owner, { params: { id: agents[0]?.id ?? '' } })).limits).toEqual({
      max_concurrent_jobs: 3,
    });
    await endAll();
  });

  test('an empty pool: as many agents as the tasks need', async () => {
    const { pool } = await makeCrew(server, 0);
    for (let n = 0; n < 4; n += 1)
      await create((await makeWorkspace(server, pool.id)).workspace_id, {
        task_type: 'plan_and_apply',
        auto_approve: true,
      });
    // An apply has an agent to itself, unless the pool says otherwise.
    expect(await poolOf(pool.id)).toMatchObject({
      waiting_by_rule: { pool_empty: 4 },
      helped: 4,
      helped_by_one: 1,
      agents_wanted: 4,
    });
    await server.must('updatePool', server.owner, { params: { id: pool.id }, body: { allow_apply_concurrent: true } });
    expect(await poolOf(pool.id)).toMatchObject({ helped: 4, helped_by_one: 3, agents_wanted: 2 });
    await endAll();
  });

  test('the limit of the organisation is shown and kept', async () => {
    const { pool } = await makeCrew(server, 1);
    await server.must('updateQueueLimits', server.owner, { body: { max_concurrent_tasks: 1 } });
    for (let n = 0; n < 2; n += 1) await create((await makeWorkspace(server, pool.id)).workspace_id);
    expect(await pass()).toBe(1);
    const summary = await server.must('getQueueSummary', server.owner, {});
    expect(summary).toMatchObject({ waiting: 1, running: 1, max_concurrent_tasks: 1 });
    expect(await poolOf(pool.id as PoolId)).toMatchObject({ helped: 0, waiting_by_rule: { organization_limit: 1 } });
    expect((await server.call('updateQueueLimits', server.owner, { body: { max_concurrent_tasks: 0 } })).status).toBe(
      400,
    );
    await server.must('updateQueueLimits', server.owner, { body: { max_concurrent_tasks: null } });
    await endAll();
  });
});
