import { afterAll, beforeAll, expect, test } from 'vitest';
import { beat } from '../../agents/agent-calls-for-tests.ts';
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

let server: LiveServer;
beforeAll(async () => {
  server = await startLiveServer();
});
afterAll(() => server.close());

const pass = () => server.modules.tasks.dispatcher.pass();
const taskOf = (id: string) => server.must('getTask', server.owner, { params: { task_id: id } });
const explain = (id: string) => server.must('explainTask', server.owner, { params: { task_id: id } });
const create = (workspaceId: string, given: Record<string, unknown> = {}) =>
  server.must('createTask', server.owner, { body: { workspace_id: workspaceId, task_type: 'plan', ...given } });

const openOf = async (agent: TestAgent): Promise<number> =>
  Number(
    (
      await server.db
        .selectFrom('attempts')
        .select(({ fn }) => fn.countAll().as('n'))
        .where('agent_id', '=', agent.id)
        .where('state', '<>', 'ended')
        .executeTakeFirstOrThrow()
    ).n,
  );

test('ten passes at once never give an agent more than it has room for, and give away all the room there is', async () => {
  const { pool, token } = await makeCrew(server, 0);
  const agents = [
    await makeAgent(server, token, 'two', { max_concurrent_jobs: 2 }),
    await makeAgent(server, token, 'three'),
  ];
  for (let n = 0; n < 12; n += 1) await create((await makeWorkspace(server, pool.id)).workspace_id);
  await Promise.all(Array.from({ length: 10 }, pass));
  expect(await Promise.all(agents.map(openOf))).toEqual([2, 3]);
});

test('an agent that left offers unanswered is told from one that reports an error, and is asked again once it is heard', async () => {
  const { pool, agents } = await makeCrew(server);
  const agent = agents[0] as TestAgent;
  const { workspace_id } = await makeWorkspace(server, pool.id);
  await server.db.updateTable('agents').set({ silent_offers: 3 }).where('id', '=', agent.id).execute();
  const { id } = await create(workspace_id);
  expect(await pass()).toBe(0);
  expect((await explain(id)).agents).toMatchObject([{ name: agent.agentId, reason: 'suspect' }]);
  await beat(server, agent);
  expect(await pass()).toBe(1);
});

test('a waiting task says why, agent by agent, and says it anew when that changes', async () => {
  const { pool, token } = await makeCrew(server, 0);
  const { workspace_id } = await makeWorkspace(server, pool.id);
  const { id } = await create(workspace_id);
  await pass();
  const nobody = (await taskOf(id)).waiting;
  expect(nobody).not.toBeNull();
  const agent = await makeAgent(server, token, 'picky');
  const permissions = {
    can_execute_terraform: false,
    can_access_secrets: true,
    allowed_workspaces: null,
    allowed_providers: null,
  };
  await server.must('updateAgent', server.owner, { params: { id: agent.id }, body: { permissions } });
  await pass();
  const refused = (await taskOf(id)).waiting;
  expect(refused).not.toEqual(nobody);
  expect(await explain(id)).toMatchObject({ waiting: true, position: expect.any(Number), agents: [{ name: 'picky' }] });
  await server.must('updateAgent', server.owner, {
    params: { id: agent.id },
    body: { permissions: { ...permissions, can_execute_terraform: true } },
  });
  expect(await pass()).toBeGreaterThan(0);
  expect(await taskOf(id)).toMatchObject({ waiting: null });
  expect(await explain(id)).toMatchObject({ waiting: false });
});

test('a task on a locked workspace waits and says who locked it and why', async () => {
  const { pool } = await makeCrew(server);
  const { workspace_id } = await makeWorkspace(server, pool.id);
  const params = { workspace_id };
  await server.must('lockWorkspace', server.owner, { params, body: { reason: 'the auditors are in' } });
  const { id } = await create(workspace_id);
  await pass();
  expect((await taskOf(id)).waiting?.message).toMatch(/admin.*the auditors are in|the auditors are in.*admin/);
  await server.must('unlockWorkspace', server.owner, { params, body: {} });
  await pass();
  expect((await server.must('listAttempts', server.owner, { params: { task_id: id } })).items).toHaveLength(1);
});

test('tasks that may apply take turns on a workspace in the order they came; plans run beside them', async () => {
  const { pool, agents } = await makeCrew(server);
  const { workspace_id } = await makeWorkspace(server, pool.id);
  const first = await create(workspace_id, { task_type: 'plan_and_apply' });
  const second = await create(workspace_id, { task_type: 'plan_and_apply' });
  const plan = await create(workspace_id);
  await pass();
  const attemptsOf = async (id: string) =>
    (await server.must('listAttempts', server.owner, { params: { task_id: id } })).items.length;
  expect([await attemptsOf(first.id), await attemptsOf(second.id), await attemptsOf(plan.id)]).toEqual([1, 0, 1]);
  expect((await taskOf(second.id)).waiting?.message).toContain(first.id);
  const attempt = await acceptOffer(server, agents[0] as TestAgent, first.id);
  await attempt.must('finishAttempt', { body: exitRecord({ result: 'failed', exit_code: 1, failed_at: 'plan' }) });
  await pass();
  expect(await attemptsOf(second.id)).toBe(1);
});

test('an apply goes to an agent alone, and beside nothing else while it lasts', async () => {
  const { pool, agents } = await makeCrew(server);
  const [agent] = agents as [TestAgent];
  const { id } = await create((await makeWorkspace(server, pool.id)).workspace_id, {
    task_type: 'plan_and_apply',
    auto_approve: true,
  });
  await pass();
  const plan = await create((await makeWorkspace(server, pool.id)).workspace_id);
  await pass();
  expect(await openOf(agent)).toBe(1);
  const attempt = await acceptOffer(server, agent, id);
  await attempt.must('finishAttempt', { body: exitRecord({ result: 'failed', exit_code: 1, failed_at: 'plan' }) });
  await pass();
  expect((await server.must('listAttempts', server.owner, { params: { task_id: plan.id } })).items).toHaveLength(1);
});

test('a removed or revoked agent is given nothing', async () => {
  const { pool, agents } = await makeCrew(server, 2);
  await server.must('deleteAgent', server.owner, { params: { id: agents[0]?.id ?? '' } });
  await server.must('revokeAgentToken', server.owner, { params: { id: agents[1]?.id ?? '' } });
  const { id } = await create((await makeWorkspace(server, pool.id)).workspace_id);
  await pass();
  expect((await server.must('listAttempts', server.owner, { params: { task_id: id } })).items).toHaveLength(0);
});
