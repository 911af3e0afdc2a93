import { sha256Hex } from '@groundcrew/kit';
import type { Pool, StateVersion, Workspace } from '@groundcrew/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  cancel,
  createLab,
  createTask,
  createWorkspace,
  getTask,
  type Lab,
  listEvents,
  pushExample,
  pushFiles,
  type RunningServer,
  runTask,
  SKIP_TERRAFORM,
  setVariable,
  startServerWithAgent,
  waitForEnd,
  waitForPlan,
  waitForTask,
} from './harness/index.ts';

const ONE = { 'main.tf': 'variable "word" { default = "a" }\nresource "terraform_data" "a" { input = var.word }' };

describe.skipIf(SKIP_TERRAFORM)('state, locks and holds', () => {
  let lab: Lab;
  let server: RunningServer;
  let pool: Pool;

  beforeAll(async () => {
    lab = await createLab();
    ({ server, pool } = await startServerWithAgent(lab));
  });
  afterAll(() => lab?.close());

  const of = ({ workspace_id }: Workspace) => ({ params: { workspace_id } });
  const pull = async (workspace: Workspace): Promise<Buffer> =>
    Buffer.from(await (await server.client.call('downloadState', of(workspace))).bytes());
  const push = (
    workspace: Workspace,
    bytes: Buffer,
    checksum = sha256Hex(bytes),
    force = false,
  ): Promise<StateVersion> =>
    server.client.call('pushState', {
      ...of(workspace),
      query: { force: force ? 'true' : 'false', message: 'by hand' },
      headers: { 'x-content-sha256': checksum },
      raw: bytes,
    });
  const rollback = (workspace: Workspace, version: number) =>
    server.client.call('rollbackState', { ...of(workspace), body: { version } });
  const lock = (workspace: Workspace) =>
    server.client.call('lockWorkspace', { ...of(workspace), body: { reason: 'the database is being moved' } });
  const unlock = (workspace: Workspace) => server.client.call('unlockWorkspace', of(workspace));
  const listVersions = async (workspace: Workspace): Promise<StateVersion[]> =>
    (await server.client.call('listStateVersions', of(workspace))).items;

  test('pull gives the bytes as Terraform wrote them; push and rollback make new versions with the next serial', async () => {
    const workspace = await createWorkspace(server, { pool, auto_approve: true });
    await pushFiles(server, workspace, ONE);
    await runTask(server, workspace);
    await setVariable(server, workspace, { key: 'word', value: 'b' });
    await runTask(server, workspace);
    const [second, first] = (await listVersions(workspace)).slice(0, 2);
    expect([second, first]).toMatchObject([{ standing: 'current' }, { standing: 'past' }]);
    const pulled = await pull(workspace);
    expect(sha256Hex(pulled)).toBe(second?.checksum);

    const state = JSON.parse(pulled.toString());
    const edited = Buffer.from(
      JSON.stringify({ ...state, serial: state.serial + 1, outputs: { by_hand: { value: 1, type: 'number' } } }),
    );
    const pushed = await push(workspace, edited);
    expect(pushed).toMatchObject({
      standing: 'current',
      lineage: state.lineage,
      message: 'by hand',
      version: second!.version + 1,
    });
    expect(JSON.parse((await pull(workspace)).toString()).outputs.by_hand.value).toBe(1);

    await expect(push(workspace, pulled)).rejects.toMatchObject({
      status: 409,
      message: expect.stringMatching(/serial/),
    });
    const foreign = Buffer.from(
      JSON.stringify({ ...state, serial: 99, lineage: '00000000-0000-4000-8000-000000000000' }),
    );
    await expect(push(workspace, foreign)).rejects.toMatchObject({
      status: 409,
      message: expect.stringMatching(/lineage/),
    });

    const rolled = await rollback(workspace, first!.version);
    const current = JSON.parse((await pull(workspace)).toString());
    expect(rolled).toMatchObject({ standing: 'current', version: pushed.version + 1, serial: current.serial });
    expect(current.serial).toBe(pushed.serial + 1);
    expect(
      current.resources[0].instances[0].attributes.input.value ?? current.resources[0].instances[0].attributes.input,
    ).toBe('a');
    // Terraform itself takes what came out of it: the word is b again, so there is one thing to change.
    expect(await runTask(server, workspace)).toMatchObject({ status: 'applied', changes_change: 1 });
    await expect(rollback(workspace, 999)).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringMatching(/999/),
    });
  });

  test('what is no state, or is not what its checksum says, is refused and changes nothing', async () => {
    const workspace = await createWorkspace(server, { pool });
    for (const bytes of ['', 'no json', '{}', '{"version":3}', '[]', '{"version":4,"serial":-1,"lineage":"x"}'])
      await expect(push(workspace, Buffer.from(bytes))).rejects.toMatchObject({
        code: expect.stringMatching(/^invalid_/),
      });
    const good = Buffer.from(
      JSON.stringify({
        version: 4,
        terraform_version: '1.11.4',
        serial: 1,
        lineage: 'l-1',
        outputs: {},
        resources: [],
      }),
    );
    await expect(push(workspace, good, sha256Hex('other'))).rejects.toMatchObject({
      code: 'checksum_mismatch',
      status: 422,
    });
    expect(await listVersions(workspace)).toEqual([]);
    expect(await push(workspace, good)).toMatchObject({ version: 1, serial: 1, lineage: 'l-1' });
  });

  test('a locked workspace lets a task wait, and says why; unlocked, it runs', async () => {
    const workspace = await createWorkspace(server, { pool, auto_approve: true });
    await pushFiles(server, workspace, ONE);
    const { locked: waitingLock } = await lock(workspace);
    expect(waitingLock).toMatchObject({ reason: 'the database is being moved' });
    const { id } = await createTask(server, workspace);
    const waiting = await waitForTask(server, id, 'waiting', (task) => task.waiting !== null);
    expect(waiting).toMatchObject({ status: 'pending', waiting: { rule: 'locked' } });
    expect(waiting.waiting?.message).toContain('the database is being moved');
    const explained = await server.client.call('explainTask', { params: { task_id: id } });
    expect(explained).toMatchObject({ waiting: true, rule: 'locked' });
    // Locked by the same person again: the same lock.
    expect((await lock(workspace)).locked).toEqual(waitingLock);
    await unlock(workspace);
    expect(await waitForEnd(server, id)).toMatchObject({ status: 'applied', waiting: null });
  });

  test('an approved apply does not start on a locked workspace either; it waits with its plan', async () => {
    const workspace = await createWorkspace(server, { pool });
    await pushFiles(server, workspace, ONE);
    const { id } = await createTask(server, workspace);
    const planned = await waitForPlan(server, id);
    await lock(workspace);
    await server.client.call('approveTask', {
      params: { task_id: id },
      body: { plan_checksum: planned.plan!.checksum },
    });
    const waiting = await waitForTask(server, id, 'waiting', (task) => task.waiting !== null);
    expect(waiting).toMatchObject({ status: 'pending', phase: 'apply', waiting: { rule: 'locked' } });
    await unlock(workspace);
    expect((await waitForEnd(server, id)).status).toBe('applied');
  });

  test('while an apply runs nobody else writes its state', async () => {
    const workspace = await createWorkspace(server, { pool, auto_approve: true });
    await pushExample(server, workspace, 'slow-apply');
    await setVariable(server, workspace, { key: 'seconds', value: '40' });
    const { id } = await createTask(server, workspace);
    await waitForTask(server, id, 'applying', ({ stage }) => stage === 'applying');
    const state = Buffer.from(JSON.stringify({ version: 4, serial: 7, lineage: 'mine', outputs: {}, resources: [] }));
    await server.until(
      'the permit is used',
      async () =>
        (await server.client.call('listAttempts', { params: { task_id: id } })).items[0]?.permit === 'used' ||
        undefined,
    );
    await expect(push(workspace, state)).rejects.toMatchObject({ code: 'held', status: 409 });
    await expect(push(workspace, state, sha256Hex(state), true)).rejects.toMatchObject({ code: 'held' });
    await lock(workspace);
    await expect(push(workspace, state)).rejects.toMatchObject({ code: 'held' });
    expect(await getTask(server, id)).toMatchObject({ status: 'running' });
    await cancel(server, id);
    await waitForEnd(server, id);
    expect((await listVersions(workspace)).every(({ lineage }) => lineage !== 'mine')).toBe(true);
  });

  test('a plan goes stale when the state moves on under it', async () => {
    const workspace = await createWorkspace(server, { pool });
    await pushFiles(server, workspace, ONE);
    await runTask(server, workspace);
    await setVariable(server, workspace, { key: 'word', value: 'c' });
    const { id } = await createTask(server, workspace);
    const planned = await waitForPlan(server, id);
    const state = JSON.parse((await pull(workspace)).toString());
    await push(workspace, Buffer.from(JSON.stringify({ ...state, serial: state.serial + 1 })));
    const ended = await waitForEnd(server, id);
    expect(ended).toMatchObject({ status: 'failed', reason: { code: 'plan_stale' } });
    await expect(
      server.client.call('approveTask', { params: { task_id: id }, body: { plan_checksum: planned.plan!.checksum } }),
    ).rejects.toMatchObject({ status: 409 });
    expect((await listEvents(server, id)).length).toBeGreaterThan(1);
  });
});
