import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger } from '@groundcrew/kit';
import { createTemporaryFolder, createTestDatabase, type TestDatabase, waitFor } from '@groundcrew/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, createDatabase, isDatabaseError, named, outsideTransaction, transaction } from './index.ts';

const logger = createLogger({ name: 'test', level: 'silent' });

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase({ reconnectMs: 0 });
  const { db } = database;
  await sql`CREATE TABLE parents (id bigint PRIMARY KEY CHECK (id > 0), name text NOT NULL UNIQUE)`.execute(db);
  await sql`CREATE TABLE children (id bigint PRIMARY KEY, parent bigint REFERENCES parents)`.execute(db);
});
afterAll(() => database.drop());

async function fetchOne<T>(statement: ReturnType<typeof sql<T>>): Promise<T> {
  const { rows } = await statement.execute(database.db);
  return rows[0]!;
}

test('values come as what they mean', async () => {
  const row =
    await fetchOne(sql`SELECT 9007199254740991::bigint AS big, ARRAY[1, NULL, 3]::bigint[] AS list, '{}'::bigint[] AS none,
    '2026-11-21 12:00:00.5+02'::timestamptz AS at, '2026-11-21'::date AS day, '2026-11-21 12:00'::timestamp AS local,
    '{"a": [1]}'::jsonb AS json, 1.10::numeric AS exact, true AS yes, '\\x00ff'::bytea AS bytes`);
  expect(row).toEqual({
    big: Number.MAX_SAFE_INTEGER,
    list: [1, null, 3],
    none: [],
    at: new Date('2026-11-21T10:00:00.500Z'),
    day: '2026-11-21',
    local: '2026-11-21 12:00:00',
    json: { a: [1] },
    exact: '1.10',
    yes: true,
    bytes: Buffer.of(0, 255),
  });
});

test('an integer too large for a number is an error, not a guess', async () => {
  await expect(fetchOne(sql`SELECT 9007199254740992::bigint`)).rejects.toThrow('9007199254740992');
});

test.each([
  ['unique', sql`INSERT INTO parents VALUES (1, 'a'), (2, 'a')`, { constraint: 'parents_name_key', table: 'parents' }],
  ['foreign_key', sql`INSERT INTO children VALUES (1, 77)`, { constraint: 'children_parent_fkey' }],
  ['check', sql`INSERT INTO parents VALUES (-1, 'b')`, { constraint: 'parents_id_check' }],
  ['not_null', sql`INSERT INTO parents VALUES (5, NULL)`, { column: 'name' }],
  ['bad_value', sql`SELECT 'hunter2'::bigint`, { sqlState: '22P02' }],
  ['statement_timeout', sql`SELECT set_config('statement_timeout', '20', true), pg_sleep(9)`, {}],
  ['other', sql`SELECT FROM nowhere`, { sqlState: '42P01' }],
])('%s errors tell kind and place and no value', async (kind, statement, facts) => {
  const error = await transaction(database.db, async (tx) => {
    if (kind === 'statement_timeout') await sql`SET LOCAL statement_timeout = 20`.execute(tx);
    return statement.execute(tx);
  }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'DatabaseError', kind, ...facts });
  expect(JSON.stringify(error) + String(error)).not.toMatch(/hunter2|'a'|\(a\)/);
});

test('isDatabaseError looks at the constraint when one is named', async () => {
  const error = await sql`INSERT INTO children VALUES (1, 77)`.execute(database.db).catch((thrown: unknown) => thrown);
  expect(isDatabaseError(error, 'foreign_key')).toBe(true);
  expect(isDatabaseError(error, 'foreign_key', 'children_parent_fkey')).toBe(true);
  expect(isDatabaseError(error, 'foreign_key', 'another')).toBe(false);
  expect(isDatabaseError(error, 'unique')).toBe(false);
});

test('undefined is refused as a parameter instead of being sent as NULL', async () => {
  await expect(fetchOne(sql`SELECT 1 WHERE ${1}::int = ${undefined}::int`)).rejects.toThrow(
    'Parameter $2 of a statement is undefined',
  );
});

test('a named statement is prepared under its name', async () => {
  await database.db.connection().execute(async (connection) => {
    const ask = (n: number) => sql<{ n: number }>`${named('twice')} SELECT ${n}::int * 2 AS n`.execute(connection);
    expect((await ask(2)).rows).toEqual([{ n: 4 }]);
    expect((await ask(5)).rows).toEqual([{ n: 10 }]);
    const { rows } = await sql`SELECT name FROM pg_prepared_statements`.execute(connection);
    expect(rows).toEqual([{ name: 'twice' }]);
  });
});

test('a transaction is kept whole or not at all', async () => {
  const { db } = database;
  const insert = (id: number, fail: boolean) =>
    transaction(db, async (tx) => {
      await sql`INSERT INTO children (id) VALUES (${id})`.execute(tx);
      if (fail) throw new Error('no');
      return 'done';
    });
  await expect(insert(100, true)).rejects.toThrow('no');
  await expect(insert(101, false)).resolves.toBe('done');
  const { rows } = await sql`SELECT id FROM children WHERE id IN (100, 101)`.execute(db);
  expect(rows).toEqual([{ id: 101 }]);
});

test('a transaction whose statement failed unnoticed does not count as committed', async () => {
  const swallowed = transaction(database.db, async (tx) => {
    await sql`SELECT 1/0`.execute(tx).catch(() => {});
  });
  await expect(swallowed).rejects.toThrow('rolled back');
});

test('statements of a transaction that are asked for together are carried out in that order', async () => {
  const seen = await transaction(database.db, async (tx) => {
    await sql`CREATE TEMP TABLE steps (step integer) ON COMMIT DROP`.execute(tx);
    const writes = Array.from({ length: 20 }, (_, step) => sql`INSERT INTO steps VALUES (${step})`.execute(tx));
    const read = sql<{ steps: number[] }>`SELECT array_agg(step ORDER BY ctid) AS steps FROM steps`.execute(tx);
    await Promise.all(writes);
    return (await read).rows[0]?.steps;
  });
  expect(seen).toEqual(Array.from({ length: 20 }, (_, step) => step));
});

test('of statements asked for together the one that failed is told, not one that fails of it', async () => {
  const failing = transaction(database.db, async (tx) => {
    const first = sql`SELECT 1 / 0`.execute(tx);
    first.catch(() => {});
    await sql`SELECT 1`.execute(tx);
    await first;
  });
  await expect(failing).rejects.toMatchObject({ kind: 'bad_value', sqlState: '22012' });
});

test('a statement that comes after the end of its transaction is refused', async () => {
  const late = await transaction(database.db, async (tx) => () => sql`SELECT 1`.execute(tx));
  await expect(late()).rejects.toThrow('after the end');
});

test('transactions that block each other are repeated until all are through', async () => {
  const { db } = database;
  await sql`INSERT INTO parents VALUES (201, 'left'), (202, 'right')`.execute(db);
  const locked: Record<number, () => void> = {};
  const both = [201, 202].map((id) => new Promise<void>((resolve) => (locked[id] = resolve)));
  let rounds = 0;
  const swap = (first: number, second: number) =>
    transaction(db, async (tx) => {
      rounds += 1;
      await sql`UPDATE parents SET name = name || ${first}::text WHERE id = ${first}`.execute(tx);
      locked[first]?.();
      await Promise.all(both);
      await sql`UPDATE parents SET name = name || ${first}::text WHERE id = ${second}`.execute(tx);
    });
  await Promise.all([swap(201, 202), swap(202, 201)]);
  const { rows } = await sql<{ name: string }>`SELECT name FROM parents WHERE id IN (201, 202)`.execute(db);
  expect(rows.every(({ name }) => name.includes('201') && name.includes('202'))).toBe(true);
  expect(rounds).toBe(3);
});

test('a serialisation failure is repeated on fresh data', async () => {
  const { db } = database;
  await sql`INSERT INTO parents VALUES (301, '0')`.execute(db);
  const add = () =>
    transaction(
      db,
      async (tx) => {
        const { rows } = await sql<{ name: string }>`SELECT name FROM parents WHERE id = 301`.execute(tx);
        await sql`UPDATE parents SET name = ${String(Number(rows[0]?.name) + 1)} WHERE id = 301`.execute(tx);
      },
      { isolation: 'repeatable read', attempts: 20 },
    );
  await Promise.all(Array.from({ length: 5 }, add));
  expect(await fetchOne(sql`SELECT name FROM parents WHERE id = 301`)).toEqual({ name: '5' });
});

test('the pool is out of bounds inside a transaction, and back after it', async () => {
  const { db } = database;
  const useThePool = () => sql`SELECT 1 AS one`.execute(db);
  await expect(transaction(db, useThePool)).rejects.toThrow('from inside a transaction');
  await expect(transaction(db, () => transaction(db, useThePool))).rejects.toThrow('begun inside another one');
  await expect(transaction(db, () => outsideTransaction(db, useThePool))).resolves.toMatchObject({
    rows: [{ one: 1 }],
  });
  let later: Promise<unknown> = Promise.resolve();
  await transaction(db, async () => {
    later = new Promise((resolve) => setTimeout(resolve, 20)).then(useThePool);
  });
  await expect(later).resolves.toMatchObject({ rows: [{ one: 1 }] });
});

test('what transactions wait for outside of themselves goes on while they hold every other session', async () => {
  const db = createDatabase({ address: database.address, logger, maxSessions: 4, acquireMs: 1_000 });
  const one = () => sql<{ one: number }>`SELECT 1 AS one`.execute(db);
  const gate = Promise.withResolvers<void>();
  let holding = 0;
  const works = Array.from({ length: 4 }, () =>
    transaction(db, async (tx) => {
      await sql`SELECT 1`.execute(tx);
      holding += 1;
      if (holding === 3) gate.resolve();
      await gate.promise;
      return outsideTransaction(db, () => transaction(db, (inner) => sql`SELECT 1`.execute(inner)).then(one));
    }),
  );
  await gate.promise;
  // Asked for by one that is in no transaction, and waited for by all: it must not queue behind them.
  await expect(outsideTransaction(db, one)).resolves.toMatchObject({ rows: [{ one: 1 }] });
  for (const { rows } of await Promise.all(works)) expect(rows).toEqual([{ one: 1 }]);
  await db.destroy();
});

test('sessions that are ended from outside cost the statement under way, and nothing else', async () => {
  const { db, address } = database;
  const other = await connect(address, 'test');
  const endAll = () =>
    other.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'groundcrew server'",
    );
  const sleeping = sql`SELECT pg_sleep(60)`.execute(db).catch((error: unknown) => error);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await endAll();
  expect(await sleeping).toMatchObject({ kind: 'disconnected' });
  // Idle sessions were ended too; one of them may be handed out in the moment before its end is heard of.
  const answer = await waitFor('a session', () => fetchOne(sql`SELECT 1 AS one`).catch(() => undefined));
  expect(answer).toEqual({ one: 1 });

  let rounds = 0;
  await transaction(db, async (tx) => {
    rounds += 1;
    await sql`INSERT INTO children (id) VALUES (500)`.execute(tx);
    if (rounds === 1) await endAll();
    await sql`SELECT 1`.execute(tx);
  });
  expect(rounds).toBe(2);
  expect(await fetchOne(sql`SELECT count(*) FROM children WHERE id = 500`)).toEqual({ count: 1 });
  await other.end();
});

test('a database that cannot be reached is told as that', async () => {
  const address = { host: '/nowhere', port: 5432, user: 'a', password: 'b', database: 'c' };
  const db = createDatabase({ address, logger, reconnectMs: 0 });
  await expect(sql`SELECT 1`.execute(db)).rejects.toMatchObject({ kind: 'unavailable' });
  await db.destroy();
});

test('a query waits for a database that is not there yet', async () => {
  const { address } = database;
  if (!('host' in address)) return;
  const folder = createTemporaryFolder('socket');
  const db = createDatabase({ address: { ...address, host: folder.path }, logger });
  const answer = sql`SELECT 1 AS one`.execute(db);
  await new Promise((resolve) => setTimeout(resolve, 100));
  symlinkSync(join(address.host, '.s.PGSQL.5432'), join(folder.path, '.s.PGSQL.5432'));
  expect((await answer).rows).toEqual([{ one: 1 }]);
  await db.destroy();
  folder.remove();
});

test('all sessions busy is told as that', async () => {
  const db = createDatabase({ address: database.address, logger, maxSessions: 2, acquireMs: 50 });
  const busy = sql`SELECT pg_sleep(20)`.execute(db).catch(() => {});
  await expect(sql`SELECT 1`.execute(db)).rejects.toMatchObject({ kind: 'busy' });
  const end = sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(20)%'`;
  await end.execute(database.db);
  await busy;
  await db.destroy();
});
