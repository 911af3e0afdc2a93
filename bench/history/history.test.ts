import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLab, type Lab, openDatabase, type RunningServer } from '../../e2e/harness/index.ts';
import { fillHistory } from './fill.ts';
import { findLandmarks } from './landmarks.ts';
import { listQuestions } from './questions.ts';

const AMOUNT = { tasks: 4_000, workspaces: 200 };
let lab: Lab;
let server: RunningServer;
let database: Client;
beforeAll(async () => {
  lab = await createLab();
  server = await lab.startServer({ env: { GROUNDCREW_BUILT_IN_AGENT_ENABLED: 'false' } });
  database = await openDatabase(server.home);
  await fillHistory(database, AMOUNT);
}, 180_000);
afterAll(async () => {
  await database?.end();
  await lab.close();
});

test('the history is of the size that was asked for, and the tables have their indexes and constraints back', async () => {
  const { rows } = await database.query(
    'SELECT (SELECT count(*) FROM tasks)::integer AS tasks, (SELECT count(*) FROM workspaces)::integer AS workspaces',
  );
  expect(rows).toEqual([AMOUNT]);
  await expect(database.query(`INSERT INTO approvals SELECT * FROM approvals LIMIT 1`)).rejects.toThrow(
    'approvals_pkey',
  );
  await expect(database.query(`UPDATE attempts SET task_id = 'task-none' WHERE epoch = 1`)).rejects.toThrow(
    'foreign key',
  );
  const indexes = await database.query(
    `SELECT FROM pg_indexes WHERE indexname IN ('tasks_by_status', 'audit_by_time')`,
  );
  expect(indexes.rowCount).toBe(2);
});

test('the audit log is sealed up to its end, and the server goes on sealing behind it', async () => {
  const count = async (table: string) =>
    (await database.query<{ n: number }>(`SELECT count(*)::integer AS n FROM ${table}`)).rows[0]?.n;
  expect(await count('audit_chain')).toBe(await count('audit'));
  const before = await server.client.call('getAuditHead', {});
  await server.client.call('createWorkspace', { body: { name: 'after-the-past' } });
  const { position } = await server.client.call('getAuditHead', {});
  expect(position).toBe(before.position + 1);
  expect(position).toBe(await count('audit'));
});

test('every question is answered, as documented and with something in it where something was looked for', async () => {
  // Its client holds every answer against its schema.
  const empty: string[] = [];
  for (const { route, variant, ask } of listQuestions(await findLandmarks(database))) {
    const answer = (await ask(server.client, 0)) as { items?: unknown[] };
    if (answer.items?.length === 0) empty.push(`${route} ${variant}`);
  }
  expect(empty).toEqual([
    'GET /tasks active',
    'GET /tasks needs_attention',
    'GET /tasks needs_attention, middle',
    'GET /tasks of the busiest workspace, awaiting approval',
    'GET /tasks of the busiest workspace, active',
    'GET /workspaces search that finds nothing',
    'GET /workspaces/:id/state-versions quarantined',
    'GET /audit of a noun that is rare',
    'GET /audit of nobody',
    'GET /audit of an action that nobody took',
    'GET /audit of a noun and an action that do not meet',
  ]);
});
