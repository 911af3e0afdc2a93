import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTemporaryFolder, createTestDatabase, type TestDatabase } from '@groundcrew/testkit';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrate } from './migrate.ts';

let database: TestDatabase;
let folder: string;
beforeEach(async () => {
  database = await createTestDatabase({ empty: true });
  folder = createTemporaryFolder('migrations').path;
});
afterEach(() => database.drop());

function write(migrations: Record<string, string>): string {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(migrations)) writeFileSync(join(folder, name), text);
  return folder;
}

const FIRST = { '0001_first.sql': 'CREATE TABLE a (id integer); INSERT INTO a VALUES (1);' };
const SECOND = { '0002_second.sql': 'ALTER TABLE a ADD COLUMN name text; INSERT INTO a VALUES (2);' };

const readTable = async () => (await sql`SELECT * FROM a ORDER BY id`.execute(database.db)).rows;

test('applies what is missing, in order, once', async () => {
  const { address } = database;
  expect(await migrate(address, write(FIRST))).toEqual({ applied: ['0001_first.sql'] });
  expect(await migrate(address, write(SECOND))).toEqual({ applied: ['0002_second.sql'] });
  expect(await migrate(address, folder)).toEqual({ applied: [] });
  expect(await readTable()).toEqual([
    { id: 1, name: null },
    { id: 2, name: null },
  ]);
});

test('twenty that start at once apply each migration once', async () => {
  write({ ...FIRST, ...SECOND });
  const results = await Promise.all(Array.from({ length: 20 }, () => migrate(database.address, folder)));
  expect(results.flatMap(({ applied }) => applied).sort()).toEqual(['0001_first.sql', '0002_second.sql']);
  expect(await readTable()).toHaveLength(2);
});

test('a migration that fails leaves nothing of itself and everything before it', async () => {
  write({ ...FIRST, '0002_broken.sql': 'INSERT INTO a VALUES (3); SELECT FROM nowhere;' });
  await expect(migrate(database.address, folder)).rejects.toThrow(
    '0002_broken.sql failed: relation "nowhere" does not exist',
  );
  expect(await readTable()).toEqual([{ id: 1 }]);
});

test('a migration that changed after it was applied is refused', async () => {
  await migrate(database.address, write(FIRST));
  write({ '0001_first.sql': 'CREATE TABLE b ();', ...SECOND });
  await expect(migrate(database.address, folder)).rejects.toThrow('0001_first.sql has another content');
  expect(await readTable()).toEqual([{ id: 1 }]);
});

test('a database of a newer version is refused', async () => {
  await migrate(database.address, write({ ...FIRST, ...SECOND }));
  folder = createTemporaryFolder('migrations').path;
  await expect(migrate(database.address, write(FIRST))).rejects.toThrow(
    'newer version of Groundcrew: it has 0002_second.sql',
  );
});

test.each([
  [{ '0001_a.sql': '', '0003_b.sql': '' }, '0003_b.sql'],
  [{ '0001_a.sql': '', '0001_b.sql': '' }, '0001_b.sql'],
  [{ 'first.sql': '' }, 'first.sql'],
])('a folder that is no list of migrations is refused: %o', async (files, name) => {
  await expect(migrate(database.address, write(files))).rejects.toThrow(name);
});
