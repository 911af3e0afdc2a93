import { newSecret } from '@groundcrew/kit';
import type {
  ApiToken,
  ApiTokenCreated,
  AuditEntry,
  ErrorBody,
  Me,
  Page,
  Permission,
  Role,
  User,
} from '@groundcrew/protocol';
import { waitFor } from '@groundcrew/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addForeigner, createTestServer, type TestServer } from '../../injected-server-for-tests.ts';
import { mayManage, ROLE_PERMISSIONS } from '../rights/index.ts';

let it: TestServer;
let foreigner: string;
beforeAll(async () => {
  it = await createTestServer();
  foreigner = await addForeigner(it);
});
afterAll(() => it.close());

const statusOf = async (...call: Parameters<TestServer['call']>) => (await it.call(...call)).status;
const codeOf = async (...call: Parameters<TestServer['call']>) => (await it.call<ErrorBody>(...call)).body.code;

describe('the first start', () => {
  test('gives an owner of everything, once signed in', async () => {
    const { body } = await it.call<Me>('GET', '/me');
    expect(body).toMatchObject({ organization: { name: 'default' }, user: { name: 'admin', role: 'owner' } });
    expect(new Set(body.permissions)).toEqual(ROLE_PERMISSIONS.owner);
  });

  test('prints a fresh token until somebody has really used one, and then no more', async () => {
    const own = await createTestServer();
    const { prepareFirstStart } = own.server.modules.users;
    const signIn = (sign_in_token: string | null) =>
      own.call<ApiTokenCreated>('POST', '/sign-in', { token: null, body: { sign_in_token } });
    const [first, second] = [await prepareFirstStart(), await prepareFirstStart()];
    expect(first.signInToken).toMatch(/^gcs_[A-Za-z0-9_-]{43}$/);
    expect(second.organizationId).toBe(first.organizationId);
    // Signed in, but the answer was lost: the token of a later start still gets them in.
    expect((await signIn(first.signInToken)).status).toBe(201);
    const { signInToken } = await prepareFirstStart();
    const { body } = await signIn(signInToken);
    expect((await signIn(second.signInToken)).status).toBe(401);
    expect(await own.call('GET', '/me', { token: body.token })).toMatchObject({ status: 200 });
    await waitFor('the use to be noted', async () => (await prepareFirstStart()).signInToken === null);
    expect((await prepareFirstStart(true)).signInToken).toMatch(/^gcs_/);
    expect((await own.call<Page<User>>('GET', '/users')).body.items).toHaveLength(1);
    await own.close();
  });

  test('twenty replicas at once make one organisation and one owner', async () => {
    const own = await createTestServer();
    await own.database.db.transaction().execute(async (tx) => {
      // The audit log refuses it otherwise.
      await sql`SET LOCAL session_replication_role = replica`.execute(tx);
      for (const table of ['audit', 'events', 'idempotency_keys', 'api_tokens', 'users', 'organizations'] as const)
        await tx.deleteFrom(table).execute();
    });
    await Promise.all(Array.from({ length: 20 }, () => own.server.modules.users.prepareFirstStart()));
    expect(await own.database.db.selectFrom('organizations').selectAll().execute()).toHaveLength(1);
    expect(await own.database.db.selectFrom('users').selectAll().execute()).toHaveLength(1);
    await own.close();
  });
});

describe('signing in', () => {
  const invite = async () =>
    (await it.call<ApiTokenCreated>('POST', '/tokens', { body: { name: 'invitation', kind: 'sign_in' } })).body;
  const signIn = (sign_in_token: string) =>
    it.call<ApiTokenCreated & ErrorBody>('POST', '/sign-in', { token: null, body: { sign_in_token } });

  test('works once, whoever races for it', async () => {
    const { token } = await invite();
    const all = await Promise.all(Array.from({ length: 10 }, () => signIn(token)));
    expect(all.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(all.filter(({ status }) => status === 401)).toHaveLength(9);
  });

  test.each([`gcs_${newSecret()}`, `gct_${newSecret()}`, 'gcs_', 'x'])(
    'is refused with one answer for every token that is none: %s',
    async (token) => {
      expect(await signIn(token)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    },
  );

  test('is over after a day', async () => {
    const { id, token } = await invite();
    await it.database.db
      .updateTable('api_tokens')
      .set({ expires_at: new Date(Date.now() - 1) })
      .where('id', '=', id)
      .execute();
    expect((await signIn(token)).status).toBe(401);
  });

  test('a sign-in token is no API token', async () => {
    expect(await statusOf('GET', '/me', { token: (await invite()).token })).toBe(401);
  });
});

describe('tokens', () => {
  const make = async (body: object = {}) =>
    (await it.call<ApiTokenCreated>('POST', '/tokens', { body: { name: 'made', ...body } })).body;

  test('are shown once and kept as hashes', async () => {
    const { token, id } = await make();
    expect(token).toMatch(/^gct_[A-Za-z0-9_-]{43}$/);
    const row = await it.database.db
      .selectFrom('api_tokens')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    expect(JSON.stringify(row)).not.toContain(token.slice(4));
    const { body } = await it.call<Page<ApiToken>>('GET', '/tokens');
    expect(body.items.map((listed) => listed.id)).toContain(id);
    expect(JSON.stringify(body)).not.toContain(token);
    expect(JSON.stringify(await it.database.db.selectFrom('audit').selectAll().execute())).not.toContain(token);
  });

  test('stop working when revoked, when expired, and when their owner is removed', async () => {
    const [revoked, expired] = [await make(), await make()];
    const { user, token } = await it.addUser('viewer', 'leaver');
    for (const each of [revoked.token, expired.token, token])
      expect(await statusOf('GET', '/me', { token: each })).toBe(200);
    await it.call('DELETE', `/tokens/${revoked.id}`);
    await it.database.db
      .updateTable('api_tokens')
      .set({ expires_at: new Date(Date.now() - 1) })
      .where('id', '=', expired.id)
      .execute();
    await it.call('DELETE', `/users/${user.id}`);
    for (const each of [revoked.token, expired.token, token])
      expect(await statusOf('GET', '/me', { token: each })).toBe(401);
  });

  test('note their use, at most once a minute', async () => {
    const { token, id } = await make();
    const lastUse = async () =>
      (
        await it.database.db
          .selectFrom('api_tokens')
          .select('last_used_at')
          .where('id', '=', id)
          .executeTakeFirstOrThrow()
      ).last_used_at;
    await it.call('GET', '/me', { token });
    const first = await waitFor('the first use', lastUse);
    await it.call('GET', '/me', { token });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await lastUse()).toEqual(first);
    await it.database.db
      .updateTable('api_tokens')
      .set({ last_used_at: new Date(Date.now() - 61_000) })
      .where('id', '=', id)
      .execute();
    await it.call('GET', '/me', { token });
    await waitFor('the next minute’s use', async () => ((await lastUse())?.getTime() ?? 0) > first.getTime());
  });

  test('pages follow each other without gap or overlap', async () => {
    for (let i = 0; i < 5; i += 1) await make({ name: `page ${i}` });
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body }: { body: Page<ApiToken> } = await it.call(
        'GET',
        `/tokens?limit=2${cursor && `&cursor=${cursor}`}`,
      );
      seen.push(...body.items.map(({ id }) => id));
      cursor = body.next_cursor;
    }
    const all = await it.call<Page<ApiToken>>('GET', '/tokens?limit=200');
    expect(seen).toEqual(all.body.items.map(({ id }) => id));
    expect(await codeOf('GET', '/tokens?cursor=%20rubbish')).toBe('invalid_request');
  });
});

describe('roles', () => {
  test.each<[Role, Permission, boolean]>([
    ['viewer', 'workspace:read', true],
    ['viewer', 'task:plan', false],
    ['viewer', 'state:read', false],
    ['planner', 'task:plan', true],
    ['planner', 'task:apply', false],
    ['operator', 'task:apply', true],
    ['operator', 'workspace:write', false],
    ['operator', 'task:close', false],
    ['admin', 'task:close', true],
    ['admin', 'organization:write', false],
    ['owner', 'organization:write', true],
  ])('%s has %s: %s', (role, permission, has) => expect(ROLE_PERMISSIONS[role].has(permission)).toBe(has));

  test('each role has all that the one below has', () => {
    const order: Role[] = ['viewer', 'planner', 'operator', 'admin', 'owner'];
    for (const [index, role] of order.entries())
      for (const lower of order.slice(0, index)) {
        expect([...ROLE_PERMISSIONS[lower]].filter((permission) => !ROLE_PERMISSIONS[role].has(permission))).toEqual(
          [],
        );
        expect([mayManage(role, lower), mayManage(lower, role)]).toEqual([true, false]);
      }
  });

  test('nobody reaches above themselves', async () => {
    const { token, user: admin } = await it.addUser('admin', 'climber');
    const { user: owner } = await it.addUser('owner', 'summit');
    const as = { token };
    expect(await codeOf('POST', '/users', { ...as, body: { name: 'puppet', role: 'owner' } })).toBe('forbidden');
    expect(await codeOf('PUT', `/users/${admin.id}`, { ...as, body: { role: 'owner' } })).toBe('forbidden');
    expect(await codeOf('PUT', `/users/${owner.id}`, { ...as, body: { role: 'viewer' } })).toBe('forbidden');
    expect(await codeOf('DELETE', `/users/${owner.id}`, as)).toBe('forbidden');
    expect(await codeOf('POST', '/tokens', { ...as, body: { name: 'stolen', user_id: owner.id } })).toBe('forbidden');
    expect(await statusOf('DELETE', `/users/${owner.id}`)).toBe(204);
  });

  test('tokens of others need the right to write users', async () => {
    const { token } = await it.addUser('operator', 'busy');
    const { user } = await it.addUser('viewer', 'watcher');
    expect(await codeOf('POST', '/tokens', { token, body: { name: 'x', user_id: user.id } })).toBe('forbidden');
    const { items } = (await it.call<Page<ApiToken>>('GET', '/tokens')).body;
    expect(await codeOf('DELETE', `/tokens/${items[0]?.id}`, { token })).toBe('not_found');
  });

  test('the last owner stays, also when two leave at once', async () => {
    const { body: me } = await it.call<Me>('GET', '/me');
    expect(await codeOf('DELETE', `/users/${me.user?.id}`)).toBe('conflict');
    expect(await codeOf('PUT', `/users/${me.user?.id}`, { body: { role: 'admin' } })).toBe('conflict');
    const { user: other } = await it.addUser('owner', 'second');
    const codes = await Promise.all([
      statusOf('PUT', `/users/${me.user?.id}`, { body: { role: 'admin' } }),
      statusOf('DELETE', `/users/${other.id}`),
    ]);
    expect(codes).toContain(409);
    const owners = await it.database.db
      .selectFrom('users')
      .select('id')
      .where('role', '=', 'owner')
      .where('organization_id', '=', it.organizationId)
      .where('deleted_at', 'is', null)
      .execute();
    expect(owners).toHaveLength(1);
    await it.database.db
      .updateTable('users')
      .set({ role: 'owner' })
      .where('id', '=', me.user?.id ?? '')
      .execute();
  });
});

describe('users', () => {
  test('are added, changed and removed, each with an audit row', async () => {
    const { body: user } = await it.call<User>('POST', '/users', {
      body: { name: 'Ada', email: 'ada@example.com', role: 'viewer' },
    });
    await it.call('PUT', `/users/${user.id}`, { body: { role: 'planner', email: null } });
    expect((await it.call<User>('GET', `/users/${user.id}`)).body).toMatchObject({
      name: 'Ada',
      role: 'planner',
      email: null,
    });
    await it.call('DELETE', `/users/${user.id}`);
    expect(await statusOf('GET', `/users/${user.id}`)).toBe(404);
    const { body } = await it.call<Page<AuditEntry>>('GET', `/audit?subject_id=${user.id}`);
    expect(body.items.map(({ action }) => action)).toEqual(['delete', 'update', 'create']);
    expect(body.items[1]).toMatchObject({
      actor_name: 'admin',
      subject_name: 'Ada',
      before: { role: 'viewer' },
      after: { role: 'planner' },
      address: '127.0.0.1',
    });
  });

  test('names are unique whatever their case, and free again once removed', async () => {
    const { user } = await it.addUser('viewer', 'Grace');
    expect(await codeOf('POST', '/users', { body: { name: 'grace', role: 'viewer' } })).toBe('name_taken');
    await it.call('DELETE', `/users/${user.id}`);
    expect(await statusOf('POST', '/users', { body: { name: 'grace', role: 'viewer' } })).toBe(201);
  });

  test('of another organisation are not there', async () => {
    const { user } = await it.addUser('viewer', 'hidden');
    const as = { token: foreigner };
    expect(await codeOf('GET', `/users/${user.id}`, as)).toBe('not_found');
    expect(await codeOf('PUT', `/users/${user.id}`, { ...as, body: { role: 'owner' } })).toBe('not_found');
    expect(await codeOf('DELETE', `/users/${user.id}`, as)).toBe('not_found');
    expect(await codeOf('POST', '/tokens', { ...as, body: { name: 'x', user_id: user.id } })).toBe('not_found');
    expect((await it.call<Page<User>>('GET', '/users', as)).body.items.map(({ name }) => name)).toEqual(['foreigner']);
    expect((await it.call<Page<AuditEntry>>('GET', '/audit', as)).body.items).toEqual([]);
  });
});
