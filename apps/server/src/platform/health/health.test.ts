import { createLogger } from '@groundcrew/kit';
import { createTestDatabase } from '@groundcrew/testkit';
import { expect, test } from 'vitest';
import { createDatabase } from '../database/index.ts';
import { createDatabaseCheck } from './check-database.ts';
import { createHealth } from './health.ts';

test('through a life: starting, ready, leaving', async () => {
  const health = createHealth();
  health.starting('migrations are applied');
  const starting = { code: 'starting', message: 'The server is starting: migrations are applied.' };
  expect(health.live()).toEqual({ ok: true, status: 'alive' });
  expect(health.startup()).toEqual({ ok: false, status: 'starting', reason: starting });
  expect(await health.ready()).toEqual({ ok: false, status: 'not_ready', reason: starting });

  health.started();
  expect([health.startup(), await health.ready()]).toEqual([
    { ok: true, status: 'started' },
    { ok: true, status: 'ready' },
  ]);

  health.draining();
  health.started();
  expect([health.live().ok, health.startup().ok]).toEqual([true, true]);
  expect(await health.ready()).toMatchObject({ ok: false, reason: { code: 'shutting_down' } });
});

test('a start that is broken off is never ready', async () => {
  const health = createHealth();
  health.draining();
  expect(await health.ready()).toMatchObject({ ok: false, reason: { code: 'shutting_down' } });
});

test('leaving while the database is looked at counts', async () => {
  const health = createHealth();
  health.started();
  health.dependOn(async () => {
    health.draining();
    return undefined;
  });
  expect(await health.ready()).toMatchObject({ ok: false, reason: { code: 'shutting_down' } });
});

test('only readiness depends on the database', async () => {
  const health = createHealth();
  health.started();
  const nowhere = createDatabase({
    address: { connectionString: 'postgres://nobody@127.0.0.1:1/none' },
    logger: createLogger({ name: 'test', level: 'silent' }),
    reconnectMs: 50,
  });
  health.dependOn(createDatabaseCheck(nowhere));
  expect(await health.ready()).toEqual({
    ok: false,
    status: 'not_ready',
    reason: { code: 'database_unavailable', message: 'The database does not answer.' },
  });
  expect([health.live().ok, health.startup().ok]).toEqual([true, true]);
  await nowhere.destroy();
});

test('a database that lacks a migration is named; one that knows more is not', async () => {
  const { db, drop } = await createTestDatabase();
  try {
    expect(await createDatabaseCheck(db)()).toBeUndefined();
    const newest = await db
      .selectFrom('schema_migrations' as never)
      .selectAll()
      .execute();
    const rows = newest as unknown as { number: number; name: string; checksum: string }[];
    const insert = { number: rows.length + 1, name: 'of_a_newer_version', checksum: 'x' };
    await db
      .insertInto('schema_migrations' as never)
      .values(insert as never)
      .execute();
    expect(await createDatabaseCheck(db)()).toBeUndefined();
    await db.deleteFrom('schema_migrations' as never).execute();
    expect(await createDatabaseCheck(db)()).toMatchObject({
      code: 'migrations_missing',
      message: expect.stringContaining(`lacks ${rows.length} of`),
    });
  } finally {
    await drop();
  }
});
