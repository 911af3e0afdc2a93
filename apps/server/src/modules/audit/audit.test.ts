import type { AuditEntry, Page, Workspace } from '@groundcrew/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestServer, type TestServer } from '../../injected-server-for-tests.ts';
import { toAuditValue } from './change.ts';

let it: TestServer;
beforeAll(async () => {
  it = await createTestServer();
});
afterAll(() => it.close());

const audit = async (query = '') => (await it.call<Page<AuditEntry>>('GET', `/audit${query}`)).body;

test('says who did what to which thing, from where, by which request', async () => {
  const { body, headers } = await it.call<Workspace>('POST', '/workspaces', { body: { name: 'w' } });
  expect((await audit(`?subject_id=${body.workspace_id}`)).items).toMatchObject([
    {
      actor_kind: 'user',
      actor_name: 'admin',
      action: 'create',
      noun: 'workspace',
      subject_name: 'w',
      address: '127.0.0.1',
      request_id: headers['x-request-id'],
      before: null,
    },
  ]);
  expect((await audit('?action=create&noun=user')).items).toMatchObject([
    { actor_kind: 'system', actor_name: 'first start', address: null },
  ]);
});

test('a change that fails leaves no row', async () => {
  const before = (await audit()).items.length;
  await it.call('POST', '/workspaces', { body: { name: 'w' } });
  await it.call('DELETE', '/workspaces/nothing');
  expect((await audit()).items).toHaveLength(before);
});

test('is filtered and paged, newest first', async () => {
  for (const name of ['a', 'b', 'c']) await it.call('POST', '/workspaces', { body: { name } });
  const middle = new Date();
  await it.call('DELETE', '/workspaces/a');
  expect((await audit(`?since=${middle.toISOString()}`)).items.map(({ action }) => action)).toEqual(['delete']);
  expect(
    (await audit(`?noun=workspace&until=${middle.toISOString()}`)).items.map(({ subject_name }) => subject_name),
  ).toEqual(['c', 'b', 'a', 'w']);
  const pages: (string | null)[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: Page<AuditEntry> = await audit(`?noun=workspace&limit=2${cursor && `&cursor=${cursor}`}`);
    pages.push(...page.items.map(({ subject_name }) => subject_name));
    cursor = page.next_cursor;
  }
  expect(pages).toEqual(['a', 'c', 'b', 'a', 'w']);
});

test('is for those who may read it', async () => {
  const { token } = await it.addUser('operator');
  expect((await it.call('GET', '/audit', { token })).status).toBe(403);
});

test('values lose their secrets and their length on the way in', () => {
  const value = {
    token: 'x',
    nested: [{ password: 'y', kept: 1 }],
    long: 'z'.repeat(5_000),
    at: new Date(0),
    nothing: null,
  };
  expect(toAuditValue(value)).toEqual({
    token: '(secret)',
    nested: [{ password: '(secret)', kept: 1 }],
    long: `${'z'.repeat(1_000)}… (5000 characters)`,
    at: '1970-01-01T00:00:00.000Z',
    nothing: null,
  });
});
