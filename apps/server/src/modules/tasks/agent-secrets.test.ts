import { newSecret } from '@groundcrew/kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  acceptOffer,
  type LiveServer,
  makeCrew,
  makeTask,
  makeWorkspace,
  startLiveServer,
} from './live-server-for-tests.ts';

const SECRET = newSecret();

let live: LiveServer;
beforeAll(async () => {
  live = await startLiveServer();
});
afterAll(() => live.close());

const setPermission = (id: string, can_access_secrets: boolean) =>
  live.must('updateAgent', live.owner, { params: { id }, body: { permissions: { can_access_secrets } } });

/** A task on a workspace with a secret, and the one agent of its pool. */
async function prepare(mayReadSecrets: boolean) {
  const { pool, agents } = await makeCrew(live);
  const agent = agents[0]!;
  await setPermission(agent.id, mayReadSecrets);
  const workspace = await makeWorkspace(live, pool.id);
  await live.must('createVariable', live.owner, {
    params: { workspace_id: workspace.workspace_id },
    body: { key: 'password', value: SECRET, sensitive: true },
  });
  return { agent, workspace, task: await makeTask(live, workspace.workspace_id) };
}

const offersOf = (taskId: string) =>
  live.db.selectFrom('attempts').select('agent_id').where('task_id', '=', taskId).execute();

test('an agent that may not read secrets is not offered a task that has some, and the queue says why', async () => {
  const { agent, task } = await prepare(false);
  expect(await offersOf(task.id)).toEqual([]);
  const queue = await live.must('explainTask', live.owner, { params: { task_id: task.id } });
  expect(JSON.stringify(queue)).toMatch(/secrets/);
  expect(JSON.stringify(queue)).not.toContain(SECRET);
  const pulled = await live.call('pullTask', agent.token, { body: { free_slots: 1, attempts: [], wait_seconds: 0 } });
  expect(pulled.text).not.toContain(task.id);
  await setPermission(agent.id, true);
  await live.modules.tasks.dispatcher.pass();
  expect(await offersOf(task.id)).toEqual([{ agent_id: agent.id }]);
});

test('it gets a task without secrets', async () => {
  const { pool, agents } = await makeCrew(live);
  await setPermission(agents[0]!.id, false);
  const workspace = await makeWorkspace(live, pool.id);
  const task = await makeTask(live, workspace.workspace_id);
  expect(await offersOf(task.id)).toEqual([{ agent_id: agents[0]!.id }]);
});

test('one that lost the right, or a secret that came, after the offer: 403 that names the variable, never a silent gap', async () => {
  const { agent, task, workspace } = await prepare(true);
  const attempt = await acceptOffer(live, agent, task.id);
  const { variables } = await attempt.must('getTaskData');
  expect(variables).toMatchObject([{ key: 'password', value: SECRET, sensitive: true }]);
  await setPermission(agent.id, false);
  const refused = await attempt.call('getTaskData');
  expect(refused.status).toBe(403);
  expect(refused.body.error).toContain('may not read secrets, and variable password is one');
  expect(refused.text).not.toContain(SECRET);
  await live.must('deleteVariable', live.owner, {
    params: { workspace_id: workspace.workspace_id, variable_id: await variableId(workspace.workspace_id) },
  });
  expect((await attempt.must('getTaskData')).variables).toEqual([]);
});

async function variableId(workspace_id: string): Promise<string> {
  const { items } = await live.must('listVariables', live.owner, { params: { workspace_id } });
  return items[0]!.id;
}

test('a pulled offer holds no secret', async () => {
  const { agent, task } = await prepare(true);
  const pulled = await live.call('pullTask', agent.token, { body: { free_slots: 1, attempts: [], wait_seconds: 0 } });
  expect(pulled.text).toContain(task.id);
  expect(pulled.text).not.toContain(SECRET);
});
