import type { AuditEntry, ErrorBody, Page, Variable, Workspace } from '@groundcrew/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addForeigner, createTestServer, type TestServer } from '../../injected-server-for-tests.ts';

let it: TestServer;
beforeAll(async () => {
  it = await createTestServer();
  await it.call<Workspace>('POST', '/workspaces', { body: { name: 'w' } });
});
afterAll(() => it.close());

const SECRET = 'correct horse battery staple';
const create = async (body: object) => it.call<Variable & ErrorBody>('POST', '/workspaces/w/variables', { body });
const update = async (id: string, body: object) =>
  it.call<Variable & ErrorBody>('PUT', `/workspaces/w/variables/${id}`, { body });
const stored = (id: string) =>
  it.database.db.selectFrom('variables').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
const opened = async (id: string) =>
  it.server.modules.variables.service.open(it.organizationId, id, (await stored(id)).value_sealed as Buffer);

describe('sensitive variables', () => {
  test('are sealed at rest and never told again, not even to the audit log', async () => {
    const { body } = await create({ key: 'password', value: SECRET, sensitive: true });
    expect(body).toMatchObject({ key: 'password', value: null, sensitive: true });
    const row = await stored(body.id);
    expect([row.value, row.value_sealed?.includes(SECRET)]).toEqual([null, false]);
    expect(await opened(body.id)).toBe(SECRET);
    await update(body.id, { value: `${SECRET} 2` });
    expect(await opened(body.id)).toBe(`${SECRET} 2`);
    const answers = [
      await it.call('GET', '/workspaces/w/variables'),
      await it.call('GET', '/audit'),
      ...(await it.database.db.selectFrom('events').selectAll().execute()),
    ];
    expect(JSON.stringify(answers)).not.toContain(SECRET);
  });

  test('keep their value through other changes, and an empty one is a value', async () => {
    const { body } = await create({ key: 'renamed', value: SECRET, sensitive: true });
    expect((await update(body.id, { key: 'renamed_too', description: 'new' })).body).toMatchObject({
      key: 'renamed_too',
      value: null,
    });
    expect(await opened(body.id)).toBe(SECRET);
    await update(body.id, { value: '' });
    expect(await opened(body.id)).toBe('');
  });

  test('turning it on seals what was in the clear; it never goes off', async () => {
    const { body } = await create({ key: 'turned', value: SECRET });
    expect(body.value).toBe(SECRET);
    expect((await update(body.id, { sensitive: true })).body).toMatchObject({ sensitive: true, value: null });
    expect([(await stored(body.id)).value, await opened(body.id)]).toEqual([null, SECRET]);
    expect((await update(body.id, { sensitive: false })).body).toMatchObject({
      code: 'conflict',
      error: expect.stringContaining('turned'),
    });
    expect((await stored(body.id)).sensitive).toBe(true);
  });

  test('a sealed value of one opens as no other', async () => {
    const [{ body: a }, { body: b }] = [
      await create({ key: 'a1', value: 'a', sensitive: true }),
      await create({ key: 'b1', value: 'b', sensitive: true }),
    ];
    await it.database.db
      .updateTable('variables')
      .set({ value_sealed: (await stored(a.id)).value_sealed })
      .where('id', '=', b.id)
      .execute();
    await expect(opened(b.id)).rejects.toThrow('does not open');
  });
});

describe('rules', () => {
  test.each([
    [{ key: '1st', value: '' }, 'key'],
    [{ key: 'a b', value: '' }, 'key'],
    [{ key: 'HOME_DIR', value: '1', category: 'env', hcl: true }, 'hcl'],
    [{ key: 'BIG', value: 'x'.repeat(100_001), category: 'env' }, 'value'],
    [{ key: 'big', value: 'x'.repeat(1_048_577) }, 'value'],
    [{ key: 'kind', value: '', category: 'shell' }, 'category'],
  ])('%o is refused for its %s', async (body, field) => {
    const answer = await create(body);
    expect(answer.status).toBe(400);
    expect((answer.body.details as { path: string }[]).map(({ path }) => path)).toContain(field);
  });

  test('hold for a variable as an update leaves it', async () => {
    const { body } = await create({ key: 'ENV_ONE', value: 'x', category: 'env' });
    expect((await update(body.id, { hcl: true })).body.code).toBe('invalid_request');
    expect((await update(body.id, { value: 'x'.repeat(100_001) })).body.code).toBe('invalid_request');
    expect((await stored(body.id)).value).toBe('x');
  });

  test('a key is unique in its category', async () => {
    await create({ key: 'twice', value: '1' });
    expect((await create({ key: 'twice', value: '2' })).body).toMatchObject({
      code: 'name_taken',
      error: expect.stringContaining('twice'),
    });
    expect((await create({ key: 'twice', value: '2', category: 'env' })).status).toBe(201);
    const { body } = await create({ key: 'other', value: '' });
    expect((await update(body.id, { key: 'twice' })).body.code).toBe('name_taken');
  });

  test('values come back exactly as they were given', async () => {
    for (const [index, value] of ['', ' ', 'ü€😀', 'a\nb\r\n\tc', '"quoted" ${not.expanded}', '\\u0041'].entries())
      expect((await create({ key: `exact_${index}`, value })).body.value).toBe(value);
  });
});

test('lists are paged by category and key', async () => {
  await it.call('POST', '/workspaces', { body: { name: 'paged' } });
  for (const [category, key] of [
    ['terraform', 'b'],
    ['env', 'Z'],
    ['terraform', 'a'],
    ['env', 'A'],
  ])
    await it.call('POST', '/workspaces/paged/variables', { body: { category, key, value: '' } });
  const seen: string[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { body }: { body: Page<Variable> } = await it.call(
      'GET',
      `/workspaces/paged/variables?limit=1${cursor && `&cursor=${cursor}`}`,
    );
    seen.push(...body.items.map(({ category, key }) => `${category}.${key}`));
    cursor = body.next_cursor;
  }
  expect(seen).toEqual(['env.A', 'env.Z', 'terraform.a', 'terraform.b']);
});

test('deletion leaves an audit row and nothing else', async () => {
  const { body } = await create({ key: 'gone', value: SECRET, sensitive: true });
  expect((await it.call('DELETE', `/workspaces/w/variables/${body.id}`)).status).toBe(204);
  expect((await it.call('DELETE', `/workspaces/w/variables/${body.id}`)).status).toBe(404);
  const { items } = (await it.call<Page<AuditEntry>>('GET', `/audit?subject_id=${body.id}&action=delete`)).body;
  expect(items).toMatchObject([{ subject_name: 'gone', before: { key: 'gone', sensitive: true } }]);
});

test('variables of another workspace or organisation are not there', async () => {
  const { body } = await create({ key: 'private', value: 'x' });
  await it.call('POST', '/workspaces', { body: { name: 'neighbour' } });
  const token = await addForeigner(it);
  for (const [path, as] of [
    [`/workspaces/neighbour/variables/${body.id}`, it.token],
    [`/workspaces/w/variables/${body.id}`, token],
  ] as const) {
    expect((await it.call('PUT', path, { token: as, body: { value: 'y' } })).status).toBe(404);
    expect((await it.call('DELETE', path, { token: as })).status).toBe(404);
  }
  expect((await stored(body.id)).value).toBe('x');
  const { token: viewer } = await it.addUser('viewer');
  expect((await it.call('GET', '/workspaces/w/variables', { token: viewer })).status).toBe(200);
  expect(
    (await it.call('PUT', `/workspaces/w/variables/${body.id}`, { token: viewer, body: { value: 'y' } })).status,
  ).toBe(403);
});

describe('names that the runner keeps for itself', () => {
  test.each(['TF_CLI_ARGS', 'TF_CLI_ARGS_plan', 'TF_DATA_DIR', 'PATH', 'TF_HTTP_ADDRESS', 'GROUNDCREW_TOKEN'])(
    '%s is refused as an environment variable, with the way out',
    async (key) => {
      const { status, body } = await create({ key, value: 'x', category: 'env' });
      expect([status, body.code]).toEqual([400, 'invalid_request']);
      expect(body.error).toContain(key);
      expect(body.details).toMatchObject([{ path: 'key' }]);
    },
  );

  test('neither can a variable be renamed to one; a Terraform variable may be called so', async () => {
    const { body } = await create({ key: 'AWS_REGION', value: 'x', category: 'env' });
    expect((await update(body.id, { key: 'LD_PRELOAD' })).body.code).toBe('invalid_request');
    expect((await update(body.id, { value: 'y' })).status).toBe(200);
    expect((await create({ key: 'TF_DATA_DIR', value: 'x' })).status).toBe(201);
  });
});
