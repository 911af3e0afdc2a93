import {
  type AuditEntry,
  type AuditHeadAnswer,
  AuditLine,
  type AuditVerdict,
  type Page,
  type Workspace,
} from '@groundcrew/protocol';
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

test('is searched by request, kind of actor and user agent’s word', async () => {
  const { headers } = await it.call('POST', '/workspaces', { body: { name: 'd' }, headers: { 'user-agent': 'me/1' } });
  const { items } = await audit(`?request_id=${headers['x-request-id']}&actor_kind=user`);
  expect(items).toMatchObject([
    { subject_name: 'd', user_agent: 'me/1', credential_id: expect.stringMatching(/^tok-/) },
  ]);
  expect((await audit(`?request_id=${headers['x-request-id']}&actor_kind=agent`)).items).toEqual([]);
});

test('is exported line by line, verified, and has a head that later stands in its list', async () => {
  const { body: head } = await it.call<AuditHeadAnswer>('GET', '/audit/head');
  const { items } = await audit('?limit=1');
  expect(items[0]).toMatchObject({ position: head.position, hash: head.hash });
  const { bytes, headers } = await it.call('GET', '/audit/export');
  expect(headers['content-type']).toContain('application/x-ndjson');
  const lines = bytes
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => AuditLine.parse(JSON.parse(line)));
  expect(lines.map(({ line }) => line)).toEqual(['start', ...Array(head.position).fill('entry'), 'head']);
  const verify = async (query: string) => (await it.call<AuditVerdict>('GET', `/audit/verify${query}`)).body;
  const anchor = `anchor_position=${head.position}&anchor_hash`;
  expect(await verify(`?${anchor}=${head.hash}`)).toMatchObject({ intact: true, position: head.position });
  expect(await verify(`?${anchor}=${'0'.repeat(64)}`)).toMatchObject({ intact: false });
  expect((await it.call('GET', '/audit/verify?anchor_position=1')).status).toBe(400);
});

test('is for those who may read it', async () => {
  const { token } = await it.addUser('operator');
  for (const path of ['/audit', '/audit/export', '/audit/verify', '/audit/head'])
    expect((await it.call('GET', path, { token })).status).toBe(403);
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
