import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger } from '@groundcrew/kit';
import type { OrganizationId } from '@groundcrew/protocol';
import { createTemporaryFolder, createTestDatabase, type TestDatabase } from '@groundcrew/testkit';
import { sql } from 'kysely';
import { afterEach, expect, test } from 'vitest';
import { migrate, migrationsFolder } from '../../platform/database/index.ts';
import { createAuditKeys, createAuditModule, createAuditPen } from '../audit/index.ts';

let database: TestDatabase;
afterEach(() => database.drop());

/** Two tenants with something in every table that the migration touches. */
const FILLED = ['one', 'two'].flatMap((id) => [
  `INSERT INTO organizations (id, name) VALUES ('org-${id}', '${id}')`,
  `INSERT INTO pools (id, organization_id, name, pool_type, selection_strategy) VALUES ('pool-${id}', 'org-${id}', 'p', 'static', 'random')`,
  `INSERT INTO pool_tokens (id, organization_id, pool_id, token_hash) VALUES ('ptok-${id}', 'org-${id}', 'pool-${id}', '${id}')`,
  `INSERT INTO agents (id, organization_id, name, pool_id, pool_token_id) VALUES ('agent-${id}', 'org-${id}', 'a', 'pool-${id}', 'ptok-${id}')`,
  `INSERT INTO workspaces (id, organization_id, name, execution_mode, hold_task_id, permit_attempt_id, configuration_id, state_version_id)
    VALUES ('ws-${id}', 'org-${id}', 'w', 'agent', 'task-${id}', 'att-${id}', 'cv-${id}', 'sv-${id}')`,
  `INSERT INTO blobs (id, organization_id, purpose, subject_id, size, sha256) VALUES ('blob-${id}', 'org-${id}', 'state', 'sv-${id}', 3, '')`,
  `INSERT INTO blob_chunks (blob_id, number, content) SELECT 'blob-${id}', n, '\\x00' FROM generate_series(0, 2) n`,
  `INSERT INTO configurations (id, organization_id, workspace_id, number, source, blob_id, checksum, size, files, created_by)
    VALUES ('cv-${id}', 'org-${id}', 'ws-${id}', 1, 'archive', 'blob-${id}', '', 3, '1', 'x')`,
  `INSERT INTO tasks (id, organization_id, workspace_id, task_type, status, auto_approve, attempt_id, plan_attempt_id, created_by)
    VALUES ('task-${id}', 'org-${id}', 'ws-${id}', 'plan', 'running', false, 'att-${id}', 'att-${id}', 'x')`,
  `INSERT INTO attempts (id, organization_id, workspace_id, task_id, number, epoch, action, agent_id, state, offered_at)
    VALUES ('att-${id}', 'org-${id}', 'ws-${id}', 'task-${id}', 1, 1, 'plan', 'agent-${id}', 'running', now())`,
  `INSERT INTO log_streams (attempt_id, phase, organization_id, task_id, length) VALUES ('att-${id}', 'plan', 'org-${id}', 'task-${id}', 9)`,
  `INSERT INTO log_segments (attempt_id, phase, "offset", length, content) SELECT 'att-${id}', 'plan', n * 3, 3, 'abc' FROM generate_series(0, 2) n`,
  `INSERT INTO state_versions (id, organization_id, workspace_id, version, serial, lineage, checksum, size, blob_id, standing, created_by)
    VALUES ('sv-${id}', 'org-${id}', 'ws-${id}', 1, 1, 'l', '', 3, 'blob-${id}', 'current', 'x')`,
  `INSERT INTO audit (organization_id, actor_kind, actor_name, action, noun, subject_id, after)
    SELECT 'org-${id}', 'user', 'admin', 'create', 'workspace', 'ws-' || n, jsonb_build_object('n', n) FROM generate_series(1, 700) n`,
]);

test('a filled database of the first version comes along whole, and its audit log is chained once', async () => {
  database = await createTestDatabase({ empty: true });
  const { db, address } = database;
  const folder = createTemporaryFolder('migrations').path;
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(migrationsFolder(), '0001_first.sql'), join(folder, '0001_first.sql'));
  await migrate(address, folder);
  for (const statement of FILLED) await sql.raw(statement).execute(db);

  await migrate(address);

  for (const [table, count] of [
    ['blob_chunks', 3],
    ['log_segments', 3],
  ] as const) {
    const { rows } = await sql<{ organization_id: string; n: number }>`SELECT organization_id, count(*) AS n
      FROM ${sql.table(table)} GROUP BY 1 ORDER BY 1`.execute(db);
    expect(rows, table).toEqual([
      { organization_id: 'org-one', n: count },
      { organization_id: 'org-two', n: count },
    ]);
  }
  const { rows: registered } =
    await sql`SELECT id, registered_by_token, registered_by_client FROM agents ORDER BY id`.execute(db);
  expect(registered).toEqual([
    { id: 'agent-one', registered_by_token: 'ptok-one', registered_by_client: null },
    { id: 'agent-two', registered_by_token: 'ptok-two', registered_by_client: null },
  ]);
  const logger = createLogger({ name: 'test', level: 'error' });
  const pen = createAuditPen(createAuditKeys(Buffer.alloc(32)), logger);
  const audit = createAuditModule({ db, pen, logger });
  const verify = () => audit.verify('org-one' as OrganizationId);
  expect(await verify()).toMatchObject({ intact: true, entries: 700, position: 700 });
  expect(await verify()).toMatchObject({ intact: true, entries: 700, position: 700 });
});
