import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  acceptOffer,
  beginApply,
  finishPlan,
  type LiveServer,
  makeBoundlessAgent,
  makeState,
  makeTask,
  makeWorkspace,
  postState,
  startLiveServer,
  stateHeaders,
  storePlan,
  type TestAgent,
} from '../tasks/live-server-for-tests.ts';

let server: LiveServer;
let agent: TestAgent;
let poolId: string;
beforeAll(async () => {
  server = await startLiveServer();
  ({ agent, poolId } = await makeBoundlessAgent(server));
});
afterAll(() => server.close());

/** A state with resources by name, the sensitive output of which nobody may ever read. */
function stateWith(serial: number, names: Record<string, string>, lineage = 'lineage-1'): Buffer {
  const resources = Object.entries(names).map(([name, value]) => ({
    mode: 'managed',
    type: 'test',
    name,
    instances: [{ attributes: { id: name, value }, sensitive_attributes: [] }],
  }));
  const outputs = { password: { value: 'hunter2', type: 'string', sensitive: true } };
  return Buffer.from(JSON.stringify({ ...JSON.parse(makeState(serial, lineage).toString()), resources, outputs }));
}

const push = (workspaceId: string, state: Buffer) =>
  server.must('pushState', server.owner, {
    params: { workspace_id: workspaceId },
    body: state,
    headers: stateHeaders(state),
  });

/** A workspace with a state in quarantine, which a plan of it sent without the right to. */
async function quarantined(state: Buffer, current?: Buffer) {
  const workspace = await makeWorkspace(server, poolId);
  if (current !== undefined) await push(workspace.workspace_id, current);
  const { id } = await makeTask(server, workspace.workspace_id);
  const attempt = await acceptOffer(server, agent, id);
  expect((await postState(attempt, state)).body.code).toBe('quarantined');
  const query = { standing: 'quarantined' };
  const { items } = await server.must('listStateVersions', server.owner, {
    params: { workspace_id: workspace.workspace_id },
    query,
  });
  expect(items).toMatchObject([{ standing: 'quarantined', created_by: 'admin', task_id: id }]);
  return { workspace, workspaceId: workspace.workspace_id, versionId: items[0]?.id as string, attempt };
}

const params = (versionId: string) => ({ params: { state_version_id: versionId } });
const accept = (versionId: string, body: object = { reason: 'it is what exists' }) =>
  server.call('acceptStateVersion', server.owner, { ...params(versionId), body });
const discard = (versionId: string, body: object = { reason: 'a test run' }) =>
  server.call('discardStateVersion', server.owner, { ...params(versionId), body });
const compare = (versionId: string) => server.must('compareStateVersion', server.owner, params(versionId));
const workspaceOf = (id: string) => server.must('getWorkspace', server.owner, { params: { workspace_id: id } });
const auditOf = async (id: string) =>
  (await server.must('listAudit', server.owner, { query: { subject_id: id } })).items.map(({ action }) => action);

test('a quarantined state is compared with the current one by names alone', async () => {
  const { versionId } = await quarantined(
    stateWith(9, { a: '1', b: 'new', c: '1' }),
    stateWith(4, { a: '1', b: 'old', d: '1' }),
  );
  const comparison = await compare(versionId);
  expect(comparison).toMatchObject({
    version: { version: 2, serial: 9, standing: 'quarantined' },
    current: { version: 1, serial: 4, standing: 'current' },
    same_lineage: true,
    serial_ahead: 5,
    added: [{ address: 'test.c', id: 'c' }],
    removed: [{ address: 'test.d' }],
    changed: [{ address: 'test.b', attributes: ['value'] }],
    unchanged: 1,
    outputs: { added: [], removed: [], changed: [] },
  });
  expect(JSON.stringify(comparison)).not.toContain('hunter2');
});

test('accepted, it is a new version with the serial after the current one; nothing that was stored changes', async () => {
  const { workspaceId, versionId } = await quarantined(stateWith(9, { a: '1' }), stateWith(4, {}));
  expect((await accept(versionId, { reason: ' ' })).status).toBe(400);
  const { body, status } = await accept(versionId);
  expect(status).toBe(201);
  expect(body).toMatchObject({ version: 3, serial: 5, standing: 'current', created_by: 'admin', resource_count: 1 });
  expect(body.message).toBe('Accepted version 2 from quarantine: it is what exists');
  const text = (await server.call('downloadState', server.owner, { params: { workspace_id: workspaceId } })).text;
  expect(text).toBe(stateWith(5, { a: '1' }).toString());
  const before = await server.must('getStateVersion', server.owner, params(versionId));
  expect(before).toMatchObject({ standing: 'past', standing_reason: expect.stringContaining('it is what exists') });
  expect(await auditOf(body.id)).toEqual(['download', 'accept']);
  expect((await workspaceOf(workspaceId)).quarantined_states).toBe(0);
  const again = await accept(versionId);
  expect([again.status, again.body.error]).toEqual([409, expect.stringContaining('not in quarantine')]);
});

test('discarded, it is kept and stays what it is', async () => {
  const { workspaceId, versionId } = await quarantined(stateWith(2, { a: '1' }));
  const { body } = await discard(versionId);
  expect(body).toMatchObject({ standing: 'discarded', standing_reason: 'admin discarded it: a test run' });
  expect(await auditOf(versionId)).toEqual(['discard', 'write']);
  expect((await workspaceOf(workspaceId)).quarantined_states).toBe(0);
  expect((await server.call('downloadStateVersion', server.owner, params(versionId))).text).toBe(
    stateWith(2, { a: '1' }).toString(),
  );
  expect((await discard(versionId)).status).toBe(409);
  expect((await accept(versionId)).status).toBe(409);
});

test('the newest is accepted and the older ones of its attempt are discarded in one act, and nothing else', async () => {
  const { workspaceId, versionId, attempt } = await quarantined(stateWith(9, { a: '1' }), stateWith(4, {}));
  for (const state of [stateWith(10, { a: '1', b: '1' }), stateWith(11, { c: '1' }), stateWith(3, { d: '1' }, 'other')])
    expect((await postState(attempt, state)).body.code).toBe('quarantined');
  const list = async () =>
    (await server.must('listStateVersions', server.owner, { params: { workspace_id: workspaceId } })).items;
  const second = (await list()).find(({ serial }) => serial === 10)?.id as string;
  expect((await accept(second, { reason: 'the last one that is true', discard_older: true })).status).toBe(201);
  expect((await list()).map(({ version, serial, standing }) => [version, serial, standing])).toEqual([
    [6, 5, 'current'],
    [5, 3, 'quarantined'],
    [4, 11, 'quarantined'],
    [3, 10, 'past'],
    [2, 9, 'discarded'],
    [1, 4, 'past'],
  ]);
  expect(await auditOf(versionId)).toEqual(['discard', 'write']);
  expect((await workspaceOf(workspaceId)).quarantined_states).toBe(2);
  expect((await accept(versionId)).status).toBe(409);
});

test('another lineage is accepted only with force', async () => {
  const { versionId } = await quarantined(stateWith(9, { a: '1' }, 'other'), stateWith(4, {}));
  expect(await compare(versionId)).toMatchObject({ same_lineage: false, serial_ahead: null });
  const refused = await accept(versionId);
  expect([refused.status, refused.body.error]).toEqual([409, expect.stringContaining('lineage')]);
  expect((await accept(versionId, { reason: 'moved', force: true })).body).toMatchObject({
    lineage: 'other',
    serial: 9,
    standing: 'current',
  });
});

test('while an apply has its permit neither is written over; once it is over, it can be', async () => {
  const { workspaceId, versionId } = await quarantined(stateWith(9, { a: '1' }));
  const task = await makeTask(server, workspaceId, { task_type: 'plan_and_apply' });
  const plan = await acceptOffer(server, agent, task.id);
  const { planChecksum } = await storePlan(plan);
  await finishPlan(plan, planChecksum);
  await server.must('approveTask', server.owner, {
    params: { task_id: task.id },
    body: { plan_checksum: planChecksum },
  });
  await server.modules.tasks.dispatcher.pass();
  await beginApply(await acceptOffer(server, agent, task.id), planChecksum);
  const blobs = await countBlobs();
  expect((await accept(versionId)).body.code).toBe('held');
  expect(await countBlobs()).toBe(blobs);
});

test('its arrival takes back an approval that has no permit yet, and nothing approves itself while it is there', async () => {
  const workspace = await makeWorkspace(server, poolId);
  const other = await makeTask(server, workspace.workspace_id);
  const stray = await acceptOffer(server, agent, other.id);
  const task = await makeTask(server, workspace.workspace_id, { task_type: 'plan_and_apply' });
  const plan = await acceptOffer(server, agent, task.id);
  const { planChecksum } = await storePlan(plan);
  await finishPlan(plan, planChecksum);
  const lock = { params: { workspace_id: workspace.workspace_id } };
  await server.must('lockWorkspace', server.owner, { ...lock, body: {} });
  await server.must('approveTask', server.owner, {
    params: { task_id: task.id },
    body: { plan_checksum: planChecksum },
  });
  const { body } = await postState(stray, stateWith(3, { a: '1' }));
  expect(body.code).toBe('quarantined');
  expect((await server.must('getTask', server.owner, { params: { task_id: task.id } })).status).toBe(
    'awaiting_approval',
  );
  await server.must('discardTask', server.owner, { params: { task_id: task.id }, body: {} });
  await server.must('unlockWorkspace', server.owner, lock);

  const auto = { task_type: 'plan_and_apply', auto_approve: true };
  const held = await makeTask(server, workspace.workspace_id, auto);
  expect((await server.must('getTask', server.owner, { params: { task_id: held.id } })).action).toBe('plan');
  await server.must('cancelTask', server.owner, { params: { task_id: held.id }, body: {} });
  const { items } = await server.must('listStateVersions', server.owner, {
    ...lock,
    query: { standing: 'quarantined' },
  });
  await discard(items[0]?.id as string);
  const free = await makeTask(server, workspace.workspace_id, auto);
  expect((await server.must('getTask', server.owner, { params: { task_id: free.id } })).action).toBe('plan_apply');
});

test('twenty decisions at once are one', async () => {
  const { workspaceId, versionId } = await quarantined(stateWith(9, { a: '1' }), stateWith(4, {}));
  const blobs = await countBlobs();
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? accept(versionId) : discard(versionId))),
  );
  const well = answers.filter(({ status }) => status < 300);
  const standings = new Set(well.map(({ body }) => body.standing));
  // A discard that comes beside another one finds it done.
  expect(standings.size).toBe(1);
  expect(answers.every(({ status }) => [200, 201, 404, 409].includes(status))).toBe(true);
  const accepted = well.filter(({ status }) => status === 201).length;
  expect(accepted).toBeLessThanOrEqual(1);
  expect(await countBlobs()).toBe(blobs + accepted);
  const { tf_state } = await workspaceOf(workspaceId);
  expect(tf_state?.version).toBe(accepted === 1 ? 3 : 1);
});

test('deciding needs the right to write states; looking does not', async () => {
  const { versionId } = await quarantined(stateWith(2, {}));
  const viewer = await server.must('createUser', server.owner, { body: { name: 'viewer-q', role: 'operator' } });
  const { token } = await server.must('createToken', server.owner, { body: { name: 't', user_id: viewer.id } });
  expect((await server.call('compareStateVersion', token, params(versionId))).status).toBe(200);
  const body = { reason: 'no right' };
  expect((await server.call('acceptStateVersion', token, { ...params(versionId), body })).body.code).toBe('forbidden');
  expect((await server.call('discardStateVersion', token, { ...params(versionId), body })).body.code).toBe('forbidden');
});

const countBlobs = async () =>
  Number(
    (
      await server.db
        .selectFrom('blobs')
        .select(({ fn }) => fn.countAll().as('n'))
        .executeTakeFirstOrThrow()
    ).n,
  );
