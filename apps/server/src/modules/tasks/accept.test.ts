import { newSecret, sha256Hex } from '@groundcrew/kit';
import { ATTEMPT_TOKEN_PREFIX } from '@groundcrew/protocol';
import { waitFor } from '@groundcrew/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { transaction } from '../../platform/database/index.ts';
import {
  type LiveServer,
  makeCrew,
  makeTask,
  makeWorkspace,
  startLiveServer,
  type TestAgent,
} from './live-server-for-tests.ts';

let server: LiveServer;
beforeAll(async () => {
  server = await startLiveServer();
});
afterAll(() => server.close());

test('whoever presents the secret of an accept that is being decided waits for the decision', async () => {
  const { pool, agents } = await makeCrew(server);
  const agent = agents[0] as TestAgent;
  const { id: taskId } = await makeTask(server, (await makeWorkspace(server, pool.id)).workspace_id);
  const { id } = await server.db
    .selectFrom('attempts')
    .select('id')
    .where('task_id', '=', taskId)
    .executeTakeFirstOrThrow();
  const secret = newSecret();
  const gate = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const holding = transaction(server.db, async (tx) => {
    await tx.selectFrom('tasks').select('id').where('id', '=', taskId).forUpdate().execute();
    held.resolve();
    await gate.promise;
  });
  await held.promise;
  const params = { task_id: taskId };
  const body = { attempt_id: id, secret_hash: sha256Hex(secret) };
  const accepting = server.call('acceptAttempt', agent.token, { params, body });
  await waitFor('the accept to be decided', async () => {
    const { rows } = await sql`SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(server.db);
    return rows.length > 0 || undefined;
  });
  const asking = server.call('getTaskData', ATTEMPT_TOKEN_PREFIX + secret, { params });
  const wrong = await server.call('getTaskData', `${ATTEMPT_TOKEN_PREFIX}${newSecret()}`, { params });
  expect(wrong.status).toBe(401);
  gate.resolve();
  await holding;
  expect([(await accepting).status, (await asking).status]).toEqual([200, 200]);
});
