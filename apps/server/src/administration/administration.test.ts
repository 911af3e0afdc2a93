import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ApiTokenCreated, AuditEntry, Page, Workspace } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestServer, type TestServer } from '../injected-server-for-tests.ts';
import { toUrl } from '../platform/database/url-for-tests.ts';
import type { Administration } from './open-administration.ts';
import { ORGANISATION_COMMANDS } from './organisations.ts';

let it: TestServer;
let open: Administration;
beforeAll(async () => {
  it = await createTestServer();
  const { platform, modules } = it.server;
  open = { platform, modules, by: 'server command of ann', close: async () => {} };
});
afterAll(() => it.close());

const org = async <T = { id: string; name: string; sign_in_token: string }>(verb: string, name = ''): Promise<T> =>
  (await ORGANISATION_COMMANDS[`org ${verb}`]?.(open, name, {}))?.value as T;

async function signIn(text: string): Promise<string> {
  const { body } = await it.call<ApiTokenCreated>('POST', '/sign-in', { token: null, body: { sign_in_token: text } });
  return body.token;
}

test('a second organisation is made, its owner signs in, and neither sees the other', async () => {
  const made = await org('create', 'acme');
  const token = await signIn(made.sign_in_token);
  const { body: workspace } = await it.call<Workspace>('POST', '/workspaces', { body: { name: 'w' } });
  const { body: theirs } = await it.call<Workspace>('POST', '/workspaces', { token, body: { name: 'w' } });
  expect((await it.call('GET', '/organization', { token })).body).toMatchObject({ id: made.id, name: 'acme' });
  expect((await it.call('GET', `/workspaces/${workspace.workspace_id}`, { token })).status).toBe(404);
  expect((await it.call('GET', `/workspaces/${theirs.workspace_id}`)).status).toBe(404);
  const { items } = (await it.call<Page<AuditEntry>>('GET', '/audit', { token })).body;
  expect(items.map(({ actor_name, action, noun }) => `${actor_name}: ${action} ${noun}`).reverse()).toEqual([
    'server command of ann: create organization',
    'server command of ann: create user',
    'server command of ann: invite user',
    'admin: sign_in token',
    'admin: create workspace',
  ]);
  expect(await org('show', 'ACME')).toMatchObject({ id: made.id, holds: { users: 1, workspaces: 1, open_tasks: 0 } });
});

test('a name is taken once, whatever its case, and must be one', async () => {
  await expect(org('create', 'Acme')).rejects.toThrow('There is an organisation Acme already.');
  await expect(org('create', 'a b')).rejects.toThrow('must start with a letter or digit');
  await expect(org('show', 'nobody')).rejects.toThrow('nobody');
});

test('a closed organisation keeps everything, lets nobody in, and gives its name back', async () => {
  const made = await org('create', 'closing');
  const token = await signIn(made.sign_in_token);
  await it.call('POST', '/workspaces', { token, body: { name: 'w' } });
  const again = await org('invite', 'closing');
  await org('delete', 'closing');
  expect((await it.call('GET', '/workspaces', { token })).status).toBe(401);
  expect(
    (await it.call('POST', '/sign-in', { token: null, body: { sign_in_token: again.sign_in_token } })).status,
  ).toBe(401);
  expect((await org<{ name: string }[]>('list')).map(({ name }) => name)).not.toContain('closing');
  const { rows } = await sql`SELECT FROM workspaces WHERE organization_id = ${made.id}`.execute(it.database.db);
  expect(rows).toHaveLength(1);
  expect((await org('create', 'closing')).id).not.toBe(made.id);
});

test('the first organisation and one with tasks that have not ended stay', async () => {
  await expect(org('delete', 'default')).rejects.toThrow(/own organisation|not ended/);
});

test('the command line does it on the database that the server uses', async () => {
  const main = fileURLToPath(new URL('../main.ts', import.meta.url));
  const home = it.server.platform.configuration.home;
  const run = async (...args: string[]) =>
    (
      await promisify(execFile)(process.execPath, [main, ...args], {
        env: { PATH: process.env.PATH, DATABASE_URL: toUrl(it.database.address), GROUNDCREW_HOME: home },
      })
    ).stdout;
  expect(await run('org', 'create', 'by-hand')).toMatch(/Created organisation by-hand .*\n.*: gcs_\S+\n/);
  expect(JSON.parse(await run('org', 'list', '--json'))).toContainEqual(expect.objectContaining({ name: 'by-hand' }));
  expect(await run('audit', 'prune', 'by-hand', '--before', '2020-01-01T00:00:00.000Z', '--reason', 'old')).toContain(
    'nothing was removed',
  );
  await expect(run('org', 'fly')).rejects.toThrow('There is no command');
});
