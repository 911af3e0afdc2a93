import { existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { createTemporaryFolder, createTestDatabase, listenOnLoopback, waitFor } from './index.ts';
import { withDatabase } from './postgres/with-database.ts';

test('each database is migrated, its own, and gone afterwards', async () => {
  const [one, two] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  await one.db.insertInto('organizations').values({ id: 'org-1', name: 'a' }).execute();
  expect(await two.db.selectFrom('organizations').selectAll().execute()).toEqual([]);
  await one.drop();
  await expect(one.db.selectFrom('organizations').selectAll().execute()).rejects.toThrow();
  await two.drop();
});

test('a database is named in an address of either kind', () => {
  const socket = { host: '/run', port: 5432, user: 'u', password: 'p', database: 'a' };
  expect(withDatabase(socket, 'b')).toEqual({ ...socket, database: 'b' });
  const connectionString = 'postgres://u:p@%2Frun/a?sslmode=disable';
  expect(withDatabase({ connectionString }, 'b')).toEqual({
    connectionString: 'postgres://u:p@%2Frun/b?sslmode=disable',
  });
});

test('a temporary folder is for its owner and can be removed', () => {
  const folder = createTemporaryFolder('mine');
  expect(statSync(folder.path).mode & 0o777).toBe(0o700);
  folder.remove();
  expect(existsSync(folder.path)).toBe(false);
});

test('waitFor gives what it saw, and says what it waited for in vain', async () => {
  let looks = 0;
  expect(await waitFor('three looks', () => (++looks === 3 ? looks : undefined))).toBe(3);
  await expect(waitFor('Godot', () => false, 20)).rejects.toThrow('Waited in vain for Godot.');
});

test('listenOnLoopback serves on a free port until closed', async () => {
  const listening = await listenOnLoopback(createServer((_request, response) => response.end('hello')));
  expect(await (await fetch(listening.url)).text()).toBe('hello');
  await listening.close();
  await expect(fetch(listening.url)).rejects.toThrow();
});
