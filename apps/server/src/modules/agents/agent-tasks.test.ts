import type { Task } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type LiveServer,
  makeCrew,
  makeTask,
  makeWorkspace,
  startLiveServer,
  type TestAgent,
} from '../tasks/live-server-for-tests.ts';

let server: LiveServer;
beforeAll(async () => {
  server = await startLiveServer();
});
afterAll(() => server.close());

/** Another attempt of a task, as if it had been given away again. */
async function tryAgain(task: Task, agent: TestAgent, minutes: number): Promise<void> {
  await sql`INSERT INTO attempts (id, organization_id, workspace_id, task_id, number, epoch, action, agent_id, state, offered_at)
    SELECT id || '-' || ${minutes}::text, organization_id, workspace_id, task_id, number + ${minutes}::int, epoch + ${minutes}::int, action, ${agent.id}, 'ended', offered_at + make_interval(mins => ${minutes}::int)
    FROM attempts WHERE task_id = ${task.id} AND number = 1`.execute(server.db);
}

async function pagesOf(agent: TestAgent, limit: number): Promise<string[][]> {
  const pages: string[][] = [];
  let cursor: string | null = null;
  do {
    const query: Record<string, string | number> = cursor === null ? { limit } : { limit, cursor };
    const page: { items: Task[]; next_cursor: string | null } = await server.must('listAgentTasks', server.owner, {
      params: { id: agent.id },
      query,
    });
    pages.push(page.items.map(({ id }) => id));
    cursor = page.next_cursor;
  } while (cursor !== null);
  return pages;
}

test('an agent’s tasks go by when it was last offered them, each once, page by page', async () => {
  const { pool, agents } = await makeCrew(server, 1);
  const [agent] = agents as [TestAgent];
  const tasks: Task[] = [];
  for (let n = 0; n < 3; n += 1) {
    const workspace = await makeWorkspace(server, pool.id);
    tasks.push(await makeTask(server, workspace.workspace_id));
  }
  const [first, second, third] = tasks as [Task, Task, Task];
  await tryAgain(first, agent, 1);
  await tryAgain(second, agent, 3);
  await tryAgain(first, agent, 2);
  for (const limit of [1, 2, 50]) expect((await pagesOf(agent, limit)).flat()).toEqual([second.id, first.id, third.id]);
  expect(await pagesOf(agent, 2)).toEqual([[second.id, first.id], [third.id]]);
});

test('a task is in the list of every agent that was offered it', async () => {
  const { pool, agents } = await makeCrew(server, 1);
  const other = (await makeCrew(server, 1)).agents[0] as TestAgent;
  const task = await makeTask(server, (await makeWorkspace(server, pool.id)).workspace_id);
  await tryAgain(task, other, 1);
  expect(await pagesOf(other, 50)).toEqual([[task.id]]);
  expect(await pagesOf(agents[0] as TestAgent, 50)).toEqual([[task.id]]);
});
