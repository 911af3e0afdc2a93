import type {
  ApiTokenCreated,
  AuditEntry,
  ErrorBody,
  Event,
  EventFrame,
  Grant,
  Me,
  Page,
  Task,
  User,
  Workspace,
} from '@groundcrew/protocol';
import { listenOnLoopback, waitFor } from '@groundcrew/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createTestServer, type TestServer } from '../../injected-server-for-tests.ts';

let it: TestServer;
let url: string;
let stop: () => Promise<void>;
let granted: Workspace;
let other: Workspace;
beforeAll(async () => {
  it = await createTestServer();
  await it.server.http.app.ready();
  ({ url, close: stop } = await listenOnLoopback(it.server.http.server));
  const { body: pool } = await it.call<{ id: string }>('POST', '/agent-pools', { body: { name: 'crew' } });
  granted = await makeWorkspace('granted', pool.id);
  other = await makeWorkspace('other', pool.id);
});
afterAll(async () => {
  await it.close();
  await stop();
});

const makeWorkspace = async (name: string, agent_pool_id: string) => {
  const body = { name, execution_mode: 'agent', agent_pool_id, tf_code: 'locals {}' };
  return (await it.call<Workspace>('POST', '/workspaces', { body })).body;
};
const grant = (user: User, role: string, token = it.token, workspace = 'granted') =>
  it.call<Grant & ErrorBody>('POST', '/grants', { token, body: { workspace_id: workspace, user_id: user.id, role } });
const names = async <T>(path: string, token: string, of: (item: T) => string) =>
  (await it.call<Page<T>>('GET', path, { token })).body.items.map(of);

describe('a grant', () => {
  test('shows its workspace and no other, in lists and by name', async () => {
    const { user, token } = await it.addUser('member', 'guest');
    expect(await names<Workspace>('/workspaces', token, ({ name }) => name)).toEqual([]);
    expect(await grant(user, 'planner')).toMatchObject({
      status: 201,
      body: { workspace_name: 'granted', role: 'planner' },
    });
    expect(await names<Workspace>('/workspaces', token, ({ name }) => name)).toEqual(['granted']);
    expect((await it.call('GET', '/workspaces/GRANTED', { token })).status).toBe(200);
    // What is not theirs to see is as if it were not there.
    const [hidden, missing] = [
      await it.call<ErrorBody>('GET', '/workspaces/other', { token }),
      await it.call<ErrorBody>('GET', '/workspaces/nothing', { token }),
    ];
    expect([hidden.status, missing.status]).toEqual([404, 404]);
    expect(hidden.body.error.replace('other', 'nothing')).toBe(missing.body.error);
    for (const workspace_id of [granted.workspace_id, other.workspace_id])
      await it.call('POST', '/tasks', { body: { workspace_id, task_type: 'plan' } });
    expect(await names<Task>('/tasks', token, (task) => task.workspace_id)).toEqual([granted.workspace_id]);
    expect((await it.call('GET', '/tasks?workspace_id=other', { token })).status).toBe(404);
    const { body: me } = await it.call<Me>('GET', '/me', { token });
    expect(me.permissions).toEqual(['organization:read', 'token:write']);
    expect(me.workspaces).toMatchObject([{ workspace_id: granted.workspace_id }]);
    expect(me.workspaces[0]?.permissions).toContain('task:plan');
  });

  test('decides on its workspace about applying, too', async () => {
    const [{ user, token }] = [await it.addUser('planner', 'applier')];
    await grant(user, 'operator');
    const ask = (workspace_id: string) =>
      it.call<Task & ErrorBody>('POST', '/tasks', {
        token,
        body: { workspace_id, task_type: 'plan_and_apply', auto_approve: true },
      });
    expect((await ask('granted')).body.auto_approve).toBe(true);
    expect((await ask('other')).body.code).toBe('forbidden');
  });

  test('is replaced by another on the same workspace, and revoked, each at once and with a trace', async () => {
    const { user, token } = await it.addUser('member', 'passing');
    const { body: first } = await grant(user, 'viewer');
    const { body: second } = await grant(user, 'admin');
    expect(second).toMatchObject({ id: first.id, role: 'admin' });
    expect((await it.call('PUT', '/workspaces/granted', { token, body: { description: 'mine' } })).status).toBe(200);
    expect((await it.call('DELETE', `/grants/${first.id}`)).status).toBe(204);
    expect((await it.call('GET', '/workspaces/granted', { token })).status).toBe(403);
    expect(await names<Grant>(`/grants?user_id=${user.id}`, it.token, ({ id }) => id)).toEqual([]);
    const trail = await names<AuditEntry>(`/audit?subject_id=${first.id}`, it.token, ({ action }) => action);
    expect(trail).toEqual(['revoke', 'update', 'create']);
  });

  test('is given by administrators of the workspace, never above themselves or elsewhere', async () => {
    const { user: boss, token } = await it.addUser('member', 'boss');
    const { user: hand } = await it.addUser('member', 'hand');
    await grant(boss, 'admin');
    expect((await grant(hand, 'operator', token)).status).toBe(201);
    expect((await grant(hand, 'operator', token, 'other')).status).toBe(404);
    const { user: operator, token: operatorToken } = await it.addUser('member', 'foreman');
    await grant(operator, 'operator');
    expect((await grant(hand, 'viewer', operatorToken)).status).toBe(403);
    const scopes = ['grant:write', 'workspace:read'];
    const { body: limited } = await it.call<ApiTokenCreated>('POST', '/tokens', { body: { name: 'x', scopes } });
    expect((await grant(hand, 'viewer', limited.token)).body.code).toBe('forbidden');
  });

  test('does not move tasks to another pool', async () => {
    const { user, token } = await it.addUser('member', 'mover');
    await grant(user, 'admin');
    const { body: pool } = await it.call<{ id: string }>('POST', '/agent-pools', { body: { name: 'privileged' } });
    const body = { execution_mode: 'agent', agent_pool_id: pool.id };
    expect((await it.call<ErrorBody>('PUT', '/workspaces/granted', { token, body })).body.code).toBe('forbidden');
    expect((await it.call('PUT', '/workspaces/granted', { body: { description: 'x' }, token })).status).toBe(200);
  });

  test('decides which events a follower sees, from the moment it changes, and the log’s viewer is let go', async () => {
    const { user, token } = await it.addUser('member', 'follower');
    const { body: given } = await grant(user, 'viewer');
    const { body: task } = await it.call<Task>('POST', '/tasks', {
      body: { workspace_id: 'granted', task_type: 'plan' },
    });
    const open = (path: string) =>
      new WebSocket(url.replace('http', 'ws') + path, { headers: { authorization: `Bearer ${token}` } });
    const [follower, viewer] = [open('/ws/events'), open(`/ws/logs?task_id=${task.id}`)];
    const events: Event[] = [];
    const ready = Promise.withResolvers<void>();
    follower.on('message', (data) => {
      const frame = JSON.parse(String(data)) as EventFrame;
      if (frame.type === 'event') events.push(frame.event);
      else ready.resolve();
    });
    await Promise.all([ready.promise, new Promise((resolve) => viewer.once('message', resolve))]);
    const gone = new Promise((resolve) => viewer.once('close', resolve));
    const describe_ = (name: string, description: string) =>
      it.call('PUT', `/workspaces/${name}`, { body: { description } });
    await describe_('other', 'unseen');
    await describe_('granted', 'seen');
    await waitFor('the event', () => events.length > 0);
    expect(new Set(events.map(({ workspace_id }) => workspace_id))).toEqual(new Set([granted.workspace_id]));
    await it.call('DELETE', `/grants/${given.id}`);
    expect(await gone).toBe(1008);
    const seen = events.length;
    await describe_('granted', 'no more');
    const { token: last } = (
      await it.call<ApiTokenCreated>('POST', '/tokens', { body: { name: 'x', user_id: user.id } })
    ).body;
    await it.call('GET', '/me', { token: last });
    expect(events.slice(seen)).toEqual([]);
    follower.terminate();
  });
});

describe('a limited token', () => {
  const make = async (body: object, token = it.token) =>
    it.call<ApiTokenCreated & ErrorBody>('POST', '/tokens', { token, body: { name: 'limited', ...body } });

  test('does what its scopes say, where it says', async () => {
    const scopes = ['workspace:read', 'workspace:lock'];
    const { body } = await make({ scopes, workspace_ids: [granted.workspace_id] });
    expect(body).toMatchObject({ scopes, workspace_ids: [granted.workspace_id] });
    const { token } = body;
    expect(await names<Workspace>('/workspaces', token, ({ name }) => name)).toEqual(['granted']);
    expect((await it.call('POST', '/workspaces/granted/lock', { token, body: {} })).status).toBe(200);
    expect((await it.call('POST', '/workspaces/other/lock', { token, body: {} })).status).toBe(404);
    expect((await it.call('GET', '/workspaces/granted/variables', { token })).status).toBe(403);
    expect((await it.call('GET', '/users', { token })).status).toBe(403);
    await it.call('POST', '/workspaces/granted/unlock');
  });

  test('makes none that may do more, and appoints nobody', async () => {
    const { body: limited } = await make({ scopes: ['token:write', 'user:write', 'client:write', 'task:read'] });
    const { token } = limited;
    for (const more of [{}, { scopes: ['task:plan'] }, { kind: 'sign_in' }])
      expect((await make(more, token)).body.code).toBe('forbidden');
    expect((await make({ scopes: ['task:read'] }, token)).status).toBe(201);
    expect((await it.call('POST', '/users', { token, body: { name: 'puppet', role: 'owner' } })).status).toBe(403);
    expect((await it.call('POST', '/clients', { token, body: { name: 'puppet', role: 'admin' } })).status).toBe(403);
  });

  test('ends with its sockets', async () => {
    const { body } = await make({ scopes: ['workspace:read'] });
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/events`, {
      headers: { authorization: `Bearer ${body.token}` },
    });
    await new Promise((resolve) => socket.once('message', resolve));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await it.call('DELETE', `/tokens/${body.id}`);
    expect(await closed).toBe(1008);
  });
});
