import { afterAll, beforeAll, expect, test } from 'vitest';
import { acceptOffer, type LiveServer, makeCrew, makeWorkspace, startLiveServer } from '../live-server-for-tests.ts';

let server: LiveServer;
beforeAll(async () => {
  server = await startLiveServer();
});
afterAll(() => server.close());

const BUILT_IN = 'terraform.io/builtin/terraform';
const AWS = 'registry.terraform.io/hashicorp/aws';
const pass = () => server.modules.tasks.dispatcher.pass();
const explain = (id: string) => server.must('explainTask', server.owner, { params: { task_id: id } });
const allow = (id: string, allowed_providers: string[] | null) =>
  server.must('updateAgent', server.owner, { params: { id }, body: { permissions: { allowed_providers } } });

async function order(size: number, provider_config: Record<string, unknown> | null = null) {
  const { pool, agents } = await makeCrew(server, size);
  const workspace = await makeWorkspace(server, pool.id, { provider_config });
  const body = { workspace_id: workspace.workspace_id, task_type: 'plan' as const };
  return { agents, create: () => server.must('createTask', server.owner, { body }) };
}
const agentsOf = async (taskId: string) => {
  const rows = await server.db
    .selectFrom('attempts')
    .select('agent_id')
    .where('task_id', '=', taskId)
    .orderBy('number')
    .execute();
  return rows.map(({ agent_id }) => agent_id);
};

test('an attempt is told what its agent may use; what it found decides who is asked next, and the queue says so', async () => {
  const { agents, create } = await order(1);
  const [agent] = agents;
  await allow(agent!.id, ['aws']);
  const { id } = await create();
  await pass();
  const attempt = await acceptOffer(server, agent!, id);
  expect((await attempt.must('getTaskData')).attempt.allowed_providers).toEqual(['aws']);
  await attempt.must('returnAttempt', { body: { reason: 'It uses too much.', providers: [AWS, BUILT_IN] } });
  await pass();
  expect(await agentsOf(id)).toEqual([agent!.id]);
  expect(await explain(id)).toMatchObject({
    rule: 'nobody_able',
    agents: [
      {
        reason: 'provider_not_allowed',
        message: `It may not use the provider ${BUILT_IN}.`,
        way_out: { command: expect.stringContaining(`--allow-provider ${BUILT_IN}`) },
      },
    ],
  });
  // It gave the task back a moment ago; that it may now is enough to be able.
  await allow(agent!.id, ['aws', 'terraform']);
  expect(await explain(id)).toMatchObject({ rule: 'nobody_free', agents: [{ reason: 'passed_over' }] });
});

test('another agent of the pool that may use what was found gets the task at once', async () => {
  const { agents, create } = await order(2);
  const [first, second] = agents;
  await allow(first!.id, []);
  await server.must('updateAgent', server.owner, { params: { id: second!.id }, body: { draining: true } });
  const { id } = await create();
  await pass();
  const attempt = await acceptOffer(server, first!, id);
  await server.must('updateAgent', server.owner, { params: { id: second!.id }, body: { draining: false } });
  await attempt.must('returnAttempt', { body: { reason: 'It uses too much.', providers: [BUILT_IN] } });
  await pass();
  expect(await agentsOf(id)).toEqual([first!.id, second!.id]);
});

test('before anybody has looked, the providers that the workspace configures count; found ones count instead of them', async () => {
  const { agents, create } = await order(1, { 'evil.example.com/hashicorp/aws': {} });
  await allow(agents[0]!.id, ['aws']);
  const { id } = await create();
  await pass();
  expect(await explain(id)).toMatchObject({ agents: [{ reason: 'provider_not_allowed' }] });
  await server.db
    .updateTable('tasks')
    .set({ providers: JSON.stringify([AWS]) })
    .where('id', '=', id)
    .execute();
  await pass();
  expect(await agentsOf(id)).toEqual([agents[0]!.id]);
});
