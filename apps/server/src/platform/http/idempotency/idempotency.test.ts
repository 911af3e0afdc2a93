import type { ErrorBody, Page, User, Workspace } from '@groundcrew/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestServer, type TestServer } from '../../../injected-server-for-tests.ts';

let it: TestServer;
beforeAll(async () => {
  it = await createTestServer();
});
afterAll(() => it.close());

let key = 0;
beforeEach(() => {
  key += 1;
});
const headers = () => ({ 'idempotency-key': `key-${key}` });
const create = (name: string, more: object = {}) =>
  it.call<Workspace & ErrorBody>('POST', '/workspaces', { headers: headers(), body: { name, ...more } });
const named = async (name: string) =>
  (await it.call<Page<Workspace>>('GET', `/workspaces?search=${name}`)).body.items.filter(
    (workspace) => workspace.name === name,
  );
const stored = async () =>
  it.database.db.selectFrom('idempotency_keys').selectAll().where('key', '=', `key-${key}`).executeTakeFirst();

test('the same again gets the same answer and changes nothing', async () => {
  const first = await create('once');
  const second = await create('once');
  expect([first.status, second.status]).toEqual([201, 201]);
  expect(second.body).toEqual(first.body);
  expect(await named('once')).toHaveLength(1);
});

test('another request with the same key is refused', async () => {
  await create('mine');
  const other = await create('other');
  expect([other.status, other.body.code]).toEqual([409, 'idempotency_mismatch']);
  expect((await it.call<ErrorBody>('DELETE', '/workspaces/mine', { headers: headers() })).body.code).toBe(
    'idempotency_mismatch',
  );
  expect(await named('mine')).toHaveLength(1);
});

test('a key belongs to its user', async () => {
  const { token } = await it.addUser('admin', `twin-${key}`);
  await create('of-the-owner');
  const second = await it.call('POST', '/workspaces', { token, headers: headers(), body: { name: 'of-the-admin' } });
  expect(second.status).toBe(201);
});

test('twenty at once make one, and all twenty learn of it', async () => {
  const all = await Promise.all(Array.from({ length: 20 }, () => create('raced')));
  expect(new Set(all.map(({ status }) => status))).toEqual(new Set([201]));
  expect(new Set(all.map(({ body }) => body.workspace_id)).size).toBe(1);
});

test('after a refusal the key may be used again, with the mistake put right', async () => {
  await it.call('POST', '/workspaces', { body: { name: 'taken' } });
  expect((await create('taken')).body.code).toBe('name_taken');
  expect((await create('free')).status).toBe(201);
});

test('an answer without a body is repeated as such', async () => {
  await it.call('POST', '/workspaces', { body: { name: 'doomed' } });
  const remove = () => it.call('DELETE', '/workspaces/doomed', { headers: headers() });
  expect([(await remove()).status, (await remove()).status]).toEqual([204, 204]);
});

test('a secret is not kept: the repetition says so', async () => {
  const make = () =>
    it.call<{ token: string } & ErrorBody>('POST', '/tokens', { headers: headers(), body: { name: 'secret' } });
  const { body } = await make();
  const second = await make();
  expect([second.status, second.body.code]).toEqual([409, 'conflict']);
  expect(second.body.error).toContain('shown only once');
  expect(JSON.stringify(await stored())).not.toContain(body.token);
});

test('request hashes cannot be computed without the key of the installation', async () => {
  await create('hashed');
  const row = await stored();
  expect(row?.request_hash).toMatch(/^[0-9a-f]{64}$/);
  const { sha256Hex } = await import('@groundcrew/kit');
  expect(row?.request_hash).not.toBe(sha256Hex(JSON.stringify(['POST /api/v1/workspaces', {}])));
});

test.each(['', ' ', 'with space', 'ü', 'x'.repeat(256)])('a key that is none: %o', async (wrong) => {
  const { body } = await it.call<ErrorBody>('POST', '/workspaces', {
    headers: { 'idempotency-key': wrong },
    body: { name: 'a' },
  });
  expect(body.code).toBe('invalid_request');
});

describe('a server that dies', () => {
  const template = () => `template-${key}`;
  /** As if a process had claimed the key and was killed `seconds` ago. */
  async function leaveClaim(seconds: number, committed: boolean): Promise<void> {
    await create(template());
    await it.database.db
      .updateTable('idempotency_keys')
      .set({
        claim_id: 'claim-of-the-dead',
        claimed_at: new Date(Date.now() - seconds * 1_000),
        committed,
        status: null,
        body: null,
      })
      .where('key', '=', `key-${key}`)
      .execute();
    await it.call('DELETE', `/workspaces/${template()}`);
  }

  test('before it changed anything: the next try is carried out', async () => {
    await leaveClaim(31, false);
    expect((await create(template())).status).toBe(201);
  });

  test('after it changed something: the next try says that it was done', async () => {
    await leaveClaim(31, true);
    const answer = await create(template());
    expect([answer.status, answer.body.code]).toEqual([409, 'conflict']);
    expect(answer.body.error).toContain('was carried out');
    expect(await named(template())).toHaveLength(0);
  });

  test('or only stands still: whoever took over wins, and the late one changes nothing', async () => {
    const { idempotency } = it.server.platform;
    const call = {
      caller: { organizationId: it.organizationId, userId: 'user-slow' } as never,
      key: 'slow',
      route: 'POST /x',
      request: {},
      isSecret: false,
    };
    const late = idempotency.run(call, async (claim) => {
      await it.database.db
        .updateTable('idempotency_keys')
        .set({ claim_id: 'claim-of-another' })
        .where('key', '=', 'slow')
        .execute();
      await claim.commit(it.database.db);
      return { status: 200, body: {} };
    });
    await expect(late).rejects.toMatchObject({ message: expect.stringContaining('took over'), retryAfterSeconds: 2 });
  });
});

test('keys are swept after a day', async () => {
  await create('swept');
  await it.database.db
    .updateTable('idempotency_keys')
    .set({ created_at: new Date(Date.now() - 25 * 3_600_000) })
    .where('key', '=', `key-${key}`)
    .execute();
  await it.server.platform.idempotency.sweep();
  expect(await stored()).toBeUndefined();
  expect((await it.call<User>('GET', '/me')).status).toBe(200);
});
