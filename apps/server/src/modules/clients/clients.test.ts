import type {
  AuditEntry,
  ErrorBody,
  MachineClient,
  MachineClientCreated,
  Me,
  Page,
  Pool,
  RegisterAnswer,
} from '@groundcrew/protocol';
import { listenOnLoopback } from '@groundcrew/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createTestServer, type TestServer } from '../../injected-server-for-tests.ts';

let it: TestServer;
let url: string;
let stop: () => Promise<void>;
let pool: Pool;
beforeAll(async () => {
  it = await createTestServer();
  await it.server.http.app.ready();
  ({ url, close: stop } = await listenOnLoopback(it.server.http.server));
  pool = (await it.call<Pool>('POST', '/agent-pools', { body: { name: 'crew' } })).body;
});
afterAll(async () => {
  await it.close();
  await stop();
});

const make = async (name: string, body: object = {}) =>
  (await it.call<MachineClientCreated>('POST', '/clients', { body: { name, ...body } })).body;
const as = ({ app_key }: MachineClient, secret: string) => ({
  token: null,
  headers: { 'x-app-key': app_key, 'x-app-secret': secret },
});
const statusOf = async (client: MachineClient, secret: string) =>
  (await it.call('GET', '/me', as(client, secret))).status;

describe('a machine client', () => {
  test('comes with key and secret, which are shown once and kept as a hash', async () => {
    const client = await make('pipeline', { role: 'planner', scopes: ['task:plan', 'task:read'] });
    expect(client).toMatchObject({
      app_key: expect.stringMatching(/^app_/),
      app_secret: expect.stringMatching(/^gcm_/),
    });
    const { body: me } = await it.call<Me>('GET', '/me', as(client, client.app_secret));
    expect(me).toMatchObject({ user: null, client: { id: client.id }, permissions: ['task:plan', 'task:read'] });
    const rows = await it.database.db.selectFrom('machine_clients').selectAll().execute();
    const audit = await it.database.db.selectFrom('audit').selectAll().execute();
    expect(JSON.stringify([rows, audit])).not.toContain(client.app_secret.slice(4));
    const { body } = await it.call<Page<MachineClient>>('GET', '/clients');
    expect(JSON.stringify(body)).not.toContain(client.app_secret.slice(4));
    for (const [key, secret] of [
      [client.app_key, 'gcm_wrong'],
      ['app_wrong', client.app_secret],
      ['', ''],
    ] as const)
      expect((await it.call('GET', '/me', as({ ...client, app_key: key }, secret))).status).toBe(401);
  });

  test('stands in the audit log as what it is, and has nothing of a person', async () => {
    const client = await make('writer', { role: 'admin' });
    const own = as(client, client.app_secret);
    await it.call('POST', '/workspaces', { ...own, body: { name: 'made-by-client' } });
    const { body } = await it.call<Page<AuditEntry>>('GET', `/audit?actor_id=${client.id}`);
    expect(body.items).toMatchObject([{ actor_kind: 'client', actor_name: 'writer', action: 'create' }]);
    for (const [method, path] of [
      ['GET', '/tokens'],
      ['GET', '/sessions'],
      ['POST', '/sign-out'],
    ] as const)
      expect((await it.call(method, path, { ...own, ...(method === 'POST' && { body: {} }) })).status).toBe(403);
  });

  test('goes on with its old secret for a while after a rotation, and with none after that', async () => {
    const client = await make('rotating');
    const rotate = async (overlap_seconds: number) =>
      (await it.call<MachineClientCreated>('POST', `/clients/${client.id}/rotate`, { body: { overlap_seconds } })).body
        .app_secret;
    const second = await rotate(3_600);
    expect([await statusOf(client, client.app_secret), await statusOf(client, second)]).toEqual([200, 200]);
    const third = await rotate(0);
    expect([await statusOf(client, client.app_secret), await statusOf(client, second)]).toEqual([401, 401]);
    expect(await statusOf(client, third)).toBe(200);
    await it.database.db
      .updateTable('machine_clients')
      .set({ expires_at: new Date(Date.now() - 1) })
      .where('id', '=', client.id)
      .execute();
    expect(await statusOf(client, third)).toBe(401);
  });

  test('may do no more than who makes or changes it', async () => {
    const { token } = await it.addUser('admin', 'climber');
    const post = (body: object) => it.call<ErrorBody>('POST', '/clients', { token, body: { name: 'x', ...body } });
    expect((await post({ role: 'owner' })).status).toBe(403);
    const client = await make('high', { role: 'owner' });
    expect((await it.call('POST', `/clients/${client.id}/rotate`, { token, body: {} })).status).toBe(403);
    expect((await it.call('DELETE', `/clients/${client.id}`, { token })).status).toBe(403);
    const low = await make('low', { role: 'viewer' });
    expect((await it.call('PUT', `/clients/${low.id}`, { token, body: { role: 'owner' } })).status).toBe(403);
    const changed = await it.call<MachineClient>('PUT', `/clients/${low.id}`, { token, body: { role: 'planner' } });
    expect(changed.body.role).toBe('planner');
  });

  test('that names a pool lets agents in there; revoked, it cuts them off, open sockets included', async () => {
    const client = await make('starter', { pool_id: pool.id });
    const without = await make('poolless');
    const register = (from: MachineClientCreated, agent_id = 'by-client') =>
      it.call<RegisterAnswer & ErrorBody>('POST', '/agents/register', {
        ...as(from, from.app_secret),
        body: { name: 'by-client', agent_id, machine_id: 'm' },
      });
    expect((await register(without)).status).toBe(401);
    const { status, body } = await register(client);
    expect([status, body.pool_id]).toEqual([200, pool.id]);
    // The same agent again, as it renews its token.
    expect((await register(client)).body.id).toBe(body.id);
    const beat = () =>
      it.call('POST', '/agents/by-client/heartbeat', { token: body.token, body: { agent_id: 'by-client' } });
    expect((await beat()).status).toBe(200);
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/agents/control?agent_id=by-client`, {
      headers: { authorization: `Bearer ${body.token}` },
    });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const acked = new Promise((resolve) => socket.once('message', resolve));
    socket.send(
      JSON.stringify({
        type: 'hello',
        id: '1',
        payload: { agent_id: 'by-client', instance: 0, version: '1', attempts: [], free_slots: 1 },
      }),
    );
    await acked;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    expect((await it.call('DELETE', `/clients/${client.id}`)).status).toBe(204);
    expect(await closed).toBe(1008);
    expect([(await beat()).status, (await register(client)).status]).toEqual([401, 401]);
  });
});
