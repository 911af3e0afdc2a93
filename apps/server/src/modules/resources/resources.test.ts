import type { ErrorBody, Page, Resource } from '@groundcrew/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addForeigner, createTestServer, type TestServer } from '../../injected-server-for-tests.ts';

let it: TestServer;
beforeAll(async () => {
  it = await createTestServer();
  await it.call('POST', '/workspaces', { body: { name: 'w' } });
});
afterAll(() => it.close());

const create = (name: string) =>
  it.call<Resource & ErrorBody>('POST', '/workspaces/w/resources', { body: { name, tf_code: 'v1' } });
const at = (id: string, version = '') => `/workspaces/w/resources/${id}${version && `?version=${version}`}`;
const update = (id: string, body: object) => it.call<Resource & ErrorBody>('PUT', at(id), { body });

test('each change is a new version, and every old one can still be read', async () => {
  const { body } = await create('bucket');
  expect(body).toMatchObject({ name: 'bucket', type: 'fragment', version: 1, tf_code: 'v1' });
  expect((await update(body.resource_id, { tf_code: 'v2' })).body).toMatchObject({
    version: 2,
    type: 'fragment',
    tf_code: 'v2',
  });
  expect((await update(body.resource_id, { type: 'module' })).body).toMatchObject({
    version: 3,
    type: 'module',
    tf_code: 'v2',
  });
  expect((await it.call<Resource>('GET', at(body.resource_id))).body.version).toBe(3);
  expect((await it.call<Resource>('GET', at(body.resource_id, '1'))).body).toMatchObject({ version: 1, tf_code: 'v1' });
  expect((await it.call<ErrorBody>('GET', at(body.resource_id, '4'))).body).toMatchObject({
    code: 'not_found',
    error: expect.stringContaining('version 4'),
  });
});

test('changes at once are numbered one after the other, and none is lost', async () => {
  const { body } = await create('raced');
  const all = await Promise.all(
    Array.from({ length: 10 }, (_, i) => update(body.resource_id, { tf_code: `code ${i}` })),
  );
  expect(all.map((answer) => answer.body.version).toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  for (const { body: changed } of all)
    expect((await it.call<Resource>('GET', at(body.resource_id, String(changed.version)))).body.tf_code).toBe(
      changed.tf_code,
    );
});

test('a removed one is out of lists, its name is free, and its versions stay for the tasks that were asked for', async () => {
  const { body } = await create('removed');
  expect((await create('REMOVED')).body.code).toBe('name_taken');
  expect((await it.call('DELETE', at(body.resource_id))).status).toBe(204);
  expect((await it.call('GET', at(body.resource_id))).status).toBe(404);
  expect((await it.call('DELETE', at(body.resource_id))).status).toBe(404);
  expect((await create('removed')).status).toBe(201);
  expect(
    await it.database.db
      .selectFrom('resource_versions')
      .selectAll()
      .where('resource_id', '=', body.resource_id)
      .execute(),
  ).toHaveLength(1);
});

test('lists are paged by name', async () => {
  const first = (await it.call<Page<Resource>>('GET', '/workspaces/w/resources?limit=2')).body;
  const second = (await it.call<Page<Resource>>('GET', `/workspaces/w/resources?limit=2&cursor=${first.next_cursor}`))
    .body;
  expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(['bucket', 'raced', 'removed']);
});

test('fragments of another workspace or organisation are not there', async () => {
  const { body } = await create('private');
  const token = await addForeigner(it);
  for (const method of ['GET', 'DELETE'] as const)
    expect((await it.call(method, at(body.resource_id), { token })).status).toBe(404);
  expect((await it.call('PUT', at(body.resource_id), { token, body: { tf_code: 'x' } })).status).toBe(404);
});
