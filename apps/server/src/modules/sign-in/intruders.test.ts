import { sha256Hex } from '@groundcrew/kit';
import type {
  ApiTokenCreated,
  CurrentSession,
  ErrorBody,
  MachineClientCreated,
  Me,
  Page,
  Pool,
  Workspace,
} from '@groundcrew/protocol';
import { listenOnLoopback, waitFor } from '@groundcrew/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { addForeigner, createTestServer, type TestServer } from '../../injected-server-for-tests.ts';
import { findProved } from '../clients/index.ts';
import { findTokenOwner, useSignInToken } from '../users/index.ts';
import { findSessionOwner } from './session-store.ts';

const PASSWORD = 'correct horse battery staple';

let it: TestServer;
let url: string;
let stop: () => Promise<void>;
let foreigner: string;
beforeAll(async () => {
  it = await createTestServer();
  foreigner = await addForeigner(it);
  await it.server.http.app.ready();
  ({ url, close: stop } = await listenOnLoopback(it.server.http.server));
});
afterAll(async () => {
  await it.close();
  await stop();
});
beforeEach(() => it.database.db.deleteFrom('sign_in_limits').execute());

const setPassword = (token: string, more: object = {}) =>
  it.call<ErrorBody>('PUT', '/me/password', { token, body: { new_password: PASSWORD, ...more } });
const signIn = (login: string, more: object = {}) =>
  it.call<ApiTokenCreated & ErrorBody>('POST', '/sign-in', {
    token: null,
    body: { login, password: PASSWORD, ...more },
  });
const makeToken = async (body: object, token = it.token) =>
  (await it.call<ApiTokenCreated>('POST', '/tokens', { token, body: { name: 'made', ...body } })).body;

describe('a limited credential', () => {
  test('sets no password, which would open what it does not', async () => {
    const { user, token } = await it.addUser('admin', 'limited');
    const workspace = (await it.call<Workspace>('POST', '/workspaces', { body: { name: 'fenced' } })).body;
    const scoped = await makeToken({ user_id: user.id, scopes: ['token:write'] });
    const fenced = await makeToken({ user_id: user.id, workspace_ids: [workspace.workspace_id] });
    for (const each of [scoped, fenced])
      expect(await setPassword(each.token)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect((await signIn('limited')).status).toBe(401);
    expect((await setPassword(token)).status).toBe(204);
    // Nor does knowing the password help it to another one.
    expect((await setPassword(scoped.token, { current_password: PASSWORD })).status).toBe(403);
  });

  test('takes over no machine client whose key lets agents into a pool', async () => {
    const pool = (await it.call<Pool>('POST', '/agent-pools', { body: { name: 'crew' } })).body;
    const scopes = ['task:read'];
    const make = async (body: object) =>
      (await it.call<MachineClientCreated>('POST', '/clients', { body: { role: 'viewer', scopes, ...body } })).body;
    const [pooled, plain] = [await make({ name: 'pooled', pool_id: pool.id }), await make({ name: 'plain' })];
    const { token } = await makeToken({ scopes: ['client:read', 'client:write', 'task:read'] });
    const rotate = (id: string) => it.call<ErrorBody>('POST', `/clients/${id}/rotate`, { token, body: {} });
    expect((await rotate(plain.id)).status).toBe(200);
    const refused = await rotate(pooled.id);
    expect([refused.status, refused.body.error]).toEqual([403, expect.stringContaining('pool:write')]);
  });
});

describe('logins', () => {
  test('that fold to another in the database are nobody’s: they would have tries of their own', async () => {
    const { token } = await it.addUser('viewer', 'kiki');
    await setPassword(token);
    expect((await signIn('KIKI')).status).toBe(201);
    for (const login of ['kİki', 'kik\u0130', '\u212aiki']) expect((await signIn(login)).status).toBe(401);
  });

  test.each(['a\u0000b', "' OR 1=1 --", '%', '_', '\\', 'a'.repeat(254), '😀', '\u202eadmin', ' admin', 'admin '])(
    'of odd characters are nobody’s: %j',
    async (login) => {
      expect(await signIn(login)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    },
  );

  test.each(['a b', 'a\u0000', 'a/b', '../a', '<b>', 'ádám', '-a', '.a', '', 'a@b', 'a'.repeat(91), '\u212aate'])(
    'are not made of them either: %j',
    async (name) => {
      expect((await it.call('POST', '/users', { body: { name, role: 'viewer' } })).status).toBe(400);
    },
  );
});

test('nobody gets back into an organisation that was closed', async () => {
  const { service } = it.server.modules.organisations;
  const { id } = await service.create('closing', 'test');
  const sign_in_token = await it.server.modules.users.inviteOwner(id, 'test');
  const { token } = (await it.call<ApiTokenCreated>('POST', '/sign-in', { token: null, body: { sign_in_token } })).body;
  expect((await setPassword(token)).status).toBe(204);
  const organization = 'closing';
  expect((await signIn('admin', { organization })).status).toBe(201);
  await service.remove('closing', 'test');
  expect((await signIn('admin', { organization })).status).toBe(401);
  // What somebody made while it was being closed, and what a mistake brought back, is of no use.
  for (const table of ['api_tokens', 'sessions', 'machine_clients'] as const)
    await it.database.db.updateTable(table).set({ revoked_at: null }).where('organization_id', '=', id).execute();
  expect((await it.call('GET', '/me', { token })).status).toBe(401);
});

test('a start prints no way in once somebody really has come in, by whatever way', async () => {
  const own = await createTestServer();
  const { prepareFirstStart } = own.server.modules.users;
  const { signInToken } = await prepareFirstStart();
  const begun = await own.call<CurrentSession>('POST', '/sessions', {
    token: null,
    body: { sign_in_token: signInToken },
  });
  // The answer could still be lost on its way.
  expect((await prepareFirstStart()).signInToken).toMatch(/^gcs_/);
  const idle = { created_at: new Date(Date.now() - 120_000), last_used_at: new Date(Date.now() - 120_000) };
  await own.database.db.updateTable('sessions').set(idle).execute();
  const headers = {
    cookie: String(begun.headers['set-cookie']).split(';')[0] ?? '',
    'x-csrf-token': begun.body.csrf_token,
  };
  expect((await own.call('GET', '/me', { token: null, headers })).status).toBe(200);
  await waitFor('the use to be noted', async () => (await prepareFirstStart()).signInToken === null);
  await own.database.db.updateTable('sessions').set(idle).execute();
  const body = { new_password: PASSWORD };
  expect((await own.call('PUT', '/me/password', { token: null, headers, body })).status).toBe(204);
  await own.database.db.deleteFrom('sessions').execute();
  expect((await prepareFirstStart()).signInToken).toBeNull();
  await own.close();
});

test('whoever is demoted can do less with the next call, by every credential they have', async () => {
  const { user, token } = await it.addUser('admin', 'demoted');
  await setPassword(token);
  const begun = await it.call<CurrentSession>('POST', '/sessions', {
    token: null,
    body: { login: 'demoted', password: PASSWORD },
  });
  const headers = {
    cookie: String(begun.headers['set-cookie']).split(';')[0] ?? '',
    'x-csrf-token': begun.body.csrf_token,
  };
  const credentials = [{ token }, { token: null, headers }];
  const add = (name: string, credential: object) =>
    it.call('POST', '/users', { ...credential, body: { name, role: 'viewer' } });
  for (const [n, each] of credentials.entries()) expect((await add(`made-${n}`, each)).status).toBe(201);
  await it.call('PUT', `/users/${user.id}`, { body: { role: 'operator' } });
  for (const each of credentials) expect((await add('not-made', each)).status).toBe(403);
});

describe('a session', () => {
  const begin = async (login: string, headers: Record<string, string> = {}) => {
    const answer = await it.call<CurrentSession>('POST', '/sessions', {
      token: null,
      headers,
      body: { login, password: PASSWORD },
    });
    return { ...answer, cookie: String(answer.headers['set-cookie']).split(';')[0] ?? '' };
  };

  test('is a new one whatever cookie the browser had, and that one stays worthless', async () => {
    const { token } = await it.addUser('viewer', 'victim');
    await setPassword(token);
    const planted = `groundcrew=gcw_${'A'.repeat(43)}`;
    const fresh = await begin('victim', { cookie: planted });
    expect(fresh.status).toBe(201);
    expect(fresh.cookie).toMatch(/^groundcrew=gcw_/);
    expect(fresh.cookie).not.toBe(planted);
    // Nor does signing in again hand out the session that was there before.
    expect((await begin('victim', { cookie: fresh.cookie })).cookie).not.toBe(fresh.cookie);
    expect((await it.call('GET', '/me', { token: null, headers: { cookie: planted } })).status).toBe(401);
  });

  test('is begun by no form of another site, and takes no other session’s word', async () => {
    const { token } = await it.addUser('viewer', 'clicker');
    await setPassword(token);
    const body = Buffer.from(JSON.stringify({ login: 'clicker', password: PASSWORD }));
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const headers = { 'content-type': type };
      expect((await it.call('POST', '/sessions', { token: null, headers, body })).status).toBe(415);
    }
    const [mine, theirs] = [await begin('clicker'), await begin('clicker')];
    const headers = { cookie: mine.cookie, 'x-csrf-token': theirs.body.csrf_token };
    expect((await it.call('POST', '/tokens', { token: null, headers, body: { name: 'x' } })).status).toBe(403);
  });

  test('ends with its user, and so do their sockets, tokens and invitations', async () => {
    const { user, token } = await it.addUser('viewer', 'leaver');
    await setPassword(token);
    const { cookie } = await begin('leaver');
    const invitation = await makeToken({ kind: 'sign_in', user_id: user.id });
    const open = (headers: Record<string, string>) =>
      new Promise<WebSocket>((resolve, reject) => {
        const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/events`, { headers });
        socket.once('message', () => resolve(socket)).once('error', reject);
      });
    const sockets = [await open({ cookie, origin: url }), await open({ authorization: `Bearer ${token}` })];
    const closed = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    expect((await it.call('DELETE', `/users/${user.id}`)).status).toBe(204);
    expect(await Promise.all(closed)).toEqual([1008, 1008]);
    expect((await it.call('GET', '/me', { token: null, headers: { cookie } })).status).toBe(401);
    expect((await it.call('GET', '/me', { token })).status).toBe(401);
    const body = { sign_in_token: invitation.token };
    expect((await it.call('POST', '/sign-in', { token: null, body })).status).toBe(401);
    expect((await signIn('leaver')).status).toBe(401);
  });
});

test('a credential is good until the moment it expires, and no more in that very moment', async () => {
  const { token } = await it.addUser('viewer', 'ephemeral');
  await setPassword(token);
  const begun = await it.call('POST', '/sessions', { token: null, body: { login: 'ephemeral', password: PASSWORD } });
  const secret = /=([^;]+)/.exec(String(begun.headers['set-cookie']))?.[1] ?? '';
  const { token: invitation } = await makeToken({ kind: 'sign_in' });
  const { body: client } = await it.call<MachineClientCreated>('POST', '/clients', { body: { name: 'ephemeral' } });
  /** Whether each is found while its end is so far from the transaction's own time, which stands still. */
  const findAll = (fromNow: string) =>
    it.database.db.transaction().execute(async (tx) => {
      for (const table of ['api_tokens', 'sessions', 'machine_clients'])
        await sql`UPDATE ${sql.table(table)} SET expires_at = now() + ${fromNow}::interval`.execute(tx);
      const found = [
        await findTokenOwner(tx, sha256Hex(token)),
        await findSessionOwner(tx, sha256Hex(secret)),
        await findProved(tx, client.app_key, sha256Hex(client.app_secret)),
        await useSignInToken(tx, sha256Hex(invitation)),
      ].map((row) => row !== undefined);
      await sql`UPDATE api_tokens SET revoked_at = NULL, expires_at = NULL`.execute(tx);
      return found;
    });
  expect(await findAll('1 microsecond')).toEqual([true, true, true, true]);
  expect(await findAll('0')).toEqual([false, false, false, false]);
});

describe('workspaces and users of another organisation', () => {
  test('are named in no grant, and give nothing to a token or a machine client that is limited to them', async () => {
    const { body: theirs } = await it.call<Workspace>('POST', '/workspaces', {
      token: foreigner,
      body: { name: 'theirs' },
    });
    const { body: stranger } = await it.call<Me>('GET', '/me', { token: foreigner });
    const { user } = await it.addUser('member', 'neighbour');
    const grant = (workspace_id: string, user_id: string | undefined) =>
      it.call<ErrorBody>('POST', '/grants', { body: { workspace_id, user_id, role: 'owner' } });
    expect((await grant(theirs.workspace_id, user.id)).body.code).toBe('not_found');
    await it.call('POST', '/workspaces', { body: { name: 'ours' } });
    expect((await grant('ours', stranger.user?.id)).body.code).toBe('not_found');

    const limits = { name: 'reaching', workspace_ids: [theirs.workspace_id] };
    const { token } = await makeToken(limits);
    const { body: client } = await it.call<MachineClientCreated>('POST', '/clients', {
      body: { ...limits, role: 'admin' },
    });
    for (const credential of [
      { token },
      { token: null, headers: { 'x-app-key': client.app_key, 'x-app-secret': client.app_secret } },
    ]) {
      const path = `/workspaces/${theirs.workspace_id}`;
      expect((await it.call('GET', path, credential)).status).toBe(404);
      expect((await it.call('PUT', path, { ...credential, body: { description: 'x' } })).status).toBe(404);
      expect((await it.call<Page<Workspace>>('GET', '/workspaces', credential)).body.items).toEqual([]);
      expect((await it.call('GET', '/users', credential)).status).toBe(403);
    }
  });
});
