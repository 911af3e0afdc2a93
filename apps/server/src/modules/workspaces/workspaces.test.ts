import { newId } from '@groundcrew/kit';
import type { AuditEntry, Configuration, ErrorBody, Page, Pool, Task, Workspace } from '@groundcrew/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addForeigner, createTestServer, type TestServer } from '../../injected-server-for-tests.ts';

let it: TestServer;
let foreigner: string;
beforeAll(async () => {
  it = await createTestServer();
  foreigner = await addForeigner(it);
});
afterAll(() => it.close());

const codeOf = async (...call: Parameters<TestServer['call']>) => (await it.call<ErrorBody>(...call)).body?.code;
const create = async (name: string, more: object = {}) =>
  (await it.call<Workspace>('POST', '/workspaces', { body: { name, ...more } })).body;
const get = async (idOrName: string) => (await it.call<Workspace>('GET', `/workspaces/${idOrName}`)).body;
const lastAudit = async (id: string) =>
  (await it.call<Page<AuditEntry>>('GET', `/audit?subject_id=${id}&limit=1`)).body.items[0];

describe('settings', () => {
  test('have the documented defaults', async () => {
    expect(await create('plain')).toMatchObject({
      tool: 'terraform',
      terraform_version: null,
      execution_mode: 'server',
      auto_approve: false,
      plan_timeout_seconds: 3_600,
      apply_timeout_seconds: 21_600,
      locked: null,
      tf_state: null,
      quarantined_states: 0,
      labels: [],
    });
  });

  test('change by named fields; what is not given stays', async () => {
    const { workspace_id } = await create('changed', {
      labels: { region: 'idc1' },
      metadata: { team: 'a' },
      provider_config: { aws: { secret_key: 'hunter2' } },
    });
    const { body } = await it.call<Workspace>('PUT', '/workspaces/changed', {
      body: { terraform_version: '1.11.4', labels: ['gpu'], provider_config: null },
    });
    expect(body).toMatchObject({
      workspace_id,
      terraform_version: '1.11.4',
      labels: ['gpu'],
      metadata: { team: 'a' },
      provider_config: null,
    });
    const entry = await lastAudit(workspace_id);
    expect(entry).toMatchObject({
      action: 'update',
      before: { terraform_version: null, labels: ['region=idc1'], provider_config: '(not shown)' },
      after: { terraform_version: '1.11.4', labels: ['gpu'], provider_config: null },
    });
    expect(JSON.stringify((await it.call('GET', `/audit?subject_id=${workspace_id}`)).body)).not.toContain('hunter2');
  });

  test('are found by id, and by name whatever its case; an id wins over a name that reads like one', async () => {
    const { workspace_id } = await create('Findable');
    await create(workspace_id);
    expect((await get('findable')).workspace_id).toBe(workspace_id);
    expect((await get(workspace_id)).name).toBe('Findable');
  });

  test('the name of another is refused, and free again once that one is deleted', async () => {
    await create('unique');
    expect(await codeOf('POST', '/workspaces', { body: { name: 'UNIQUE' } })).toBe('name_taken');
    await create('rename-me');
    expect(await codeOf('PUT', '/workspaces/rename-me', { body: { name: 'unique' } })).toBe('name_taken');
    await it.call('DELETE', '/workspaces/unique');
    expect((await create('unique')).name).toBe('unique');
  });

  test('lists are searched and paged by name', async () => {
    for (const name of ['list-c', 'list-A', 'list-b']) await create(name);
    const first = (await it.call<Page<Workspace>>('GET', '/workspaces?search=LIST&limit=2')).body;
    const second = (
      await it.call<Page<Workspace>>('GET', `/workspaces?search=list&limit=2&cursor=${first.next_cursor}`)
    ).body;
    expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(['list-A', 'list-b', 'list-c']);
    expect(second.next_cursor).toBeNull();
    expect((await it.call<Page<Workspace>>('GET', '/workspaces?search=%25')).body.items).toEqual([]);
  });

  test('what PostgreSQL cannot store is a mistake of the request', async () => {
    expect(await codeOf('POST', '/workspaces', { body: { name: 'nul', tf_code: 'a\u0000b' } })).toBe('invalid_request');
    expect(await codeOf('POST', '/workspaces', { body: { name: 'nul', provider_config: { a: 'a\u0000b' } } })).toBe(
      'invalid_request',
    );
  });
});

describe('placement', () => {
  test('mode agent needs a pool that is there', async () => {
    expect(await codeOf('POST', '/workspaces', { body: { name: 'p', execution_mode: 'agent' } })).toBe(
      'invalid_request',
    );
    expect(
      await codeOf('POST', '/workspaces', {
        body: { name: 'p', execution_mode: 'remote', agent_pool_id: newId('pool') },
      }),
    ).toBe('not_found');
    const { body: pool } = await it.call<Pool>('POST', '/agent-pools', { body: { name: 'somewhere' } });
    expect(
      await codeOf('POST', '/workspaces', {
        token: foreigner,
        body: { name: 'p', execution_mode: 'agent', agent_pool_id: pool.id },
      }),
    ).toBe('not_found');
    expect(await create('placed', { execution_mode: 'remote', agent_pool_id: pool.id })).toMatchObject({
      execution_mode: 'agent',
      agent_pool_id: pool.id,
    });
    expect(await codeOf('PUT', '/workspaces/placed', { body: { agent_pool_id: null } })).toBe('invalid_request');
    expect(
      (await it.call('PUT', '/workspaces/placed', { body: { execution_mode: 'server', agent_pool_id: null } })).status,
    ).toBe(200);
  });

  test('mode k8s is not there yet, and says so', async () => {
    expect(await codeOf('POST', '/workspaces', { body: { name: 'pods', execution_mode: 'k8s' } })).toBe(
      'invalid_request',
    );
  });
});

describe('locks', () => {
  const lock = (name: string, body: object = {}, token = it.token) =>
    it.call<Workspace & ErrorBody>('POST', `/workspaces/${name}/lock`, { body, token });
  const unlock = (name: string, query = '') =>
    it.call<Workspace & ErrorBody>('POST', `/workspaces/${name}/unlock${query}`);

  test('say by whom, since when and why; locking again by the same person changes nothing', async () => {
    const { workspace_id } = await create('locked');
    expect((await lock('locked', { reason: 'maintenance' })).body.locked).toMatchObject({
      by: 'admin',
      reason: 'maintenance',
    });
    const entry = await lastAudit(workspace_id);
    await lock('locked', { reason: 'again' });
    expect(await lastAudit(workspace_id)).toEqual(entry);
    const { token } = await it.addUser('operator', 'locker');
    expect((await lock('locked', {}, token)).body).toMatchObject({
      code: 'locked',
      error: expect.stringContaining('maintenance'),
    });
    expect((await unlock('locked')).body.locked).toBeNull();
    expect(await lastAudit(workspace_id)).toMatchObject({
      action: 'unlock',
      before: { lock: { reason: 'maintenance' } },
    });
  });

  test('unlocking repeats the warning of an attempt that is not proven dead, until that is acknowledged', async () => {
    const { workspace_id } = await create('warned');
    await lock('warned', { reason: 'closed' });
    const marks = JSON.stringify([
      { taskId: newId('task'), attemptId: newId('att'), attemptNumber: 2, since: Date.now() },
    ]);
    await it.database.db.updateTable('workspaces').set({ marks }).where('id', '=', workspace_id).execute();
    expect((await unlock('warned')).body).toMatchObject({
      code: 'conflict',
      error: expect.stringContaining('attempt 2'),
    });
    expect((await get('warned')).locked).not.toBeNull();
    expect((await unlock('warned', '?acknowledge=true')).body.locked).toBeNull();
  });
});

describe('deletion', () => {
  const remove = (name: string, query = '') => it.call<ErrorBody>('DELETE', `/workspaces/${name}${query}`);

  test('is refused while work has not ended, even by force', async () => {
    await it.server.modules.pools.service.ensureBuiltIn(it.organizationId);
    await create('working');
    await it.call<Configuration>('POST', '/workspaces/working/configurations', { body: { tf_json: {} } });
    const { body: task } = await it.call<Task>('POST', '/tasks', {
      body: { workspace_id: 'working', task_type: 'plan' },
    });
    expect((await remove('working', '?force=true')).body).toMatchObject({
      code: 'in_use',
      error: expect.stringContaining(task.id),
    });
    await it.call('POST', `/tasks/${task.id}/cancel`, { body: {} });
    expect((await remove('working')).status).toBe(204);
    expect(await codeOf('GET', '/workspaces/working')).toBe('not_found');
    expect((await it.call<Task>('GET', `/tasks/${task.id}`)).body.status).toBe('cancelled');
  });

  test('is refused while it is locked, and while its state holds resources unless forced', async () => {
    await create('kept');
    await it.call('POST', '/workspaces/kept/lock', { body: { reason: 'hands off' } });
    expect((await remove('kept', '?force=true')).body).toMatchObject({
      code: 'locked',
      error: expect.stringContaining('hands off'),
    });
    await it.call('POST', '/workspaces/kept/unlock');
    const state = Buffer.from(
      JSON.stringify({
        version: 4,
        terraform_version: '1.11.4',
        serial: 1,
        lineage: '3f0d1a9e-0000-4000-8000-000000000000',
        outputs: {},
        resources: [
          {
            mode: 'managed',
            type: 'terraform_data',
            name: 'a',
            provider: 'provider["terraform.io/builtin/terraform"]',
            instances: [{ schema_version: 0, attributes: {} }],
          },
        ],
        check_results: null,
      }),
    );
    const { sha256Hex } = await import('@groundcrew/kit');
    const pushed = await it.call<ErrorBody>('POST', '/workspaces/kept/state', {
      headers: { 'x-content-sha256': sha256Hex(state) },
      body: state,
    });
    expect([pushed.status, pushed.body.error]).toEqual([201, undefined]);
    expect((await get('kept')).tf_state).toMatchObject({ serial: 1, resource_count: 1 });
    expect((await remove('kept')).body).toMatchObject({
      code: 'in_use',
      error: expect.stringContaining('1 resources'),
    });
    expect((await remove('kept', '?force=true')).status).toBe(204);
  });
});

test('workspaces of another organisation are not there, by id or by name', async () => {
  const { workspace_id, name } = await create('private');
  const as = { token: foreigner };
  for (const at of [workspace_id, name]) {
    expect(await codeOf('GET', `/workspaces/${at}`, as)).toBe('not_found');
    expect(await codeOf('PUT', `/workspaces/${at}`, { ...as, body: { description: 'mine' } })).toBe('not_found');
    expect(await codeOf('DELETE', `/workspaces/${at}`, as)).toBe('not_found');
    expect(await codeOf('POST', `/workspaces/${at}/lock`, { ...as, body: {} })).toBe('not_found');
    expect(await codeOf('POST', `/workspaces/${at}/unlock`, as)).toBe('not_found');
  }
  expect((await it.call<Page<Workspace>>('GET', '/workspaces', as)).body.items).toEqual([]);
  expect((await it.call('POST', '/workspaces', { ...as, body: { name } })).status).toBe(201);
});
