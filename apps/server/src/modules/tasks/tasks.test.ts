import { sha256Hex } from '@groundcrew/kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  acceptOffer,
  beginApply,
  exitRecord,
  finishPlan,
  type LiveServer,
  logChunk,
  logEnd,
  makeAgent,
  makeBoundlessAgent,
  makeCrew,
  makeState,
  makeTask,
  makeWorkspace,
  markOf,
  NONCE,
  postState,
  startLiveServer,
  storePlan,
  type TestAgent,
  type TestAttempt,
} from './live-server-for-tests.ts';

let server: LiveServer;
let agent: TestAgent;
let poolId: string;
beforeAll(async () => {
  server = await startLiveServer();
  ({ agent, poolId } = await makeBoundlessAgent(server));
});
afterAll(() => server.close());

const ws = async (given: Record<string, unknown> = {}) => (await makeWorkspace(server, poolId, given)).workspace_id;
const taskOf = (id: string) => server.must('getTask', server.owner, { params: { task_id: id } });
const pass = () => server.modules.tasks.dispatcher.pass();
const historyOf = async (id: string) =>
  (await server.must('listTaskEvents', server.owner, { params: { task_id: id } })).items.map(({ kind }) => kind);

/** A task whose first attempt runs. */
async function begin(given: Record<string, unknown> = {}, workspaceId?: string): Promise<TestAttempt> {
  const task = await makeTask(server, workspaceId ?? (await ws()), given);
  return acceptOffer(server, agent, task.id);
}

/** A plan that waits for approval. */
async function planned(workspaceId?: string) {
  const attempt = await begin({ task_type: 'plan_and_apply' }, workspaceId);
  const { planChecksum } = await storePlan(attempt);
  await finishPlan(attempt, planChecksum);
  return { attempt, planChecksum, taskId: attempt.taskId };
}

const approve = (taskId: string, planChecksum: string) =>
  server.call('approveTask', server.owner, { params: { task_id: taskId }, body: { plan_checksum: planChecksum } });

/** An apply under way, by its own attempt. */
async function applying(workspaceId?: string) {
  const { taskId, planChecksum } = await planned(workspaceId);
  expect((await approve(taskId, planChecksum)).status).toBe(200);
  await pass();
  const attempt = await acceptOffer(server, agent, taskId);
  await beginApply(attempt, planChecksum);
  return { attempt, taskId, planChecksum };
}

test('a plan goes from asked for to success, with its history', async () => {
  const attempt = await begin();
  expect(await taskOf(attempt.taskId)).toMatchObject({
    status: 'running',
    stage: 'fetching',
    agent_name: agent.agentId,
  });
  await attempt.must('renewAttempt', {
    body: { stage: 'planning', progress: { done: 1, total: 2, running: ['a.b'] } },
  });
  expect(await taskOf(attempt.taskId)).toMatchObject({ stage: 'planning', progress: { done: 1, total: 2 } });
  await attempt.must('appendLog', { body: logChunk('plan', 0, 'No changes.') });
  const record = exitRecord({ logs: [logEnd('plan', 'No changes.')] });
  expect(await attempt.must('finishAttempt', { body: record })).toEqual({ confirmed: true, missing: [] });
  const task = await server.must('getTask', server.owner, {
    params: { task_id: attempt.taskId },
    query: { include: 'plan_output' },
  });
  expect(task).toMatchObject({ status: 'success', stage: null, plan_output: 'No changes.', waiting: null });
  expect(await historyOf(attempt.taskId)).toEqual(['created', 'offered', 'accepted', 'exited', 'ended']);
  expect((await server.must('getAgent', server.owner, { params: { id: agent.id } })).success_tasks).toBe(1);
});

test('plan and apply by two attempts: approval names the plan, the apply ends once its last state is here', async () => {
  const { taskId, planChecksum } = await planned();
  expect(await taskOf(taskId)).toMatchObject({ status: 'awaiting_approval', phase: 'apply', changes_add: 1 });
  expect((await approve(taskId, sha256Hex('another plan'))).status).toBe(409);
  expect((await approve(taskId, planChecksum)).body).toMatchObject({ status: 'pending' });
  await pass();
  const attempt = await acceptOffer(server, agent, taskId);
  const data = await attempt.must('getTaskData');
  expect(data).toMatchObject({ task: { action: 'apply' }, plan_file: { checksum: planChecksum }, state_version: null });
  expect((await attempt.call('getTaskPlanFile')).text).toMatch(/^plan of att-/);
  await beginApply(attempt, planChecksum);
  const state = makeState(1);
  const record = exitRecord({ last_state: markOf(state) });
  expect(await attempt.must('finishAttempt', { body: record })).toEqual({ confirmed: false, missing: ['state'] });
  expect((await postState(attempt, state)).body).toMatchObject({ standing: 'current', version: 1 });
  expect(await attempt.must('finishAttempt', { body: record })).toEqual({ confirmed: true, missing: [] });
  expect(await taskOf(taskId)).toMatchObject({ status: 'applied' });
});

test('auto-approve carries both phases in one attempt', async () => {
  const attempt = await begin({ task_type: 'plan_and_apply', auto_approve: true });
  const stored = await storePlan(attempt);
  expect(stored).toMatchObject({ approved: true, proceed: true });
  await beginApply(attempt, stored.planChecksum);
  const state = makeState(1);
  await postState(attempt, state);
  const record = exitRecord({ plan_checksum: stored.planChecksum, last_state: markOf(state) });
  expect(await attempt.must('finishAttempt', { body: record })).toMatchObject({ confirmed: true });
  expect(await taskOf(attempt.taskId)).toMatchObject({ status: 'applied' });
  const approvals = await server.db.selectFrom('approvals').selectAll().where('task_id', '=', attempt.taskId).execute();
  expect(approvals).toMatchObject([{ by_kind: 'auto', plan_checksum: stored.planChecksum }]);
});

test('accept, permit, LOCK and finish said again get the same answer; another asker is fenced', async () => {
  const { attempt, planChecksum, taskId } = await applying();
  const accept = { attempt_id: attempt.id, secret_hash: sha256Hex(attempt.secret) };
  const params = { task_id: taskId };
  const again = await server.must('acceptAttempt', agent.token, { params, body: accept });
  expect(again).toMatchObject({ attempt_id: attempt.id, epoch: 2 });
  const other = { ...accept, secret_hash: sha256Hex('a copy') };
  expect((await server.call('acceptAttempt', agent.token, { params, body: other })).body.code).toBe('fenced');
  const permit = { nonce: NONCE, plan_checksum: planChecksum };
  expect(await attempt.must('askPermit', { body: permit })).toEqual({ permit: 'used', epoch: 2 });
  expect((await attempt.call('askPermit', { body: { ...permit, nonce: 'another-nonce-of-a-copy' } })).body.code).toBe(
    'fenced',
  );
  await attempt.must('lockState', { body: { nonce: NONCE, lock_id: `lock-${attempt.id}` } });
  expect((await attempt.call('lockState', { body: { nonce: NONCE, lock_id: 'other' } })).body.code).toBe('fenced');
  const record = exitRecord({ result: 'failed', exit_code: 1, failed_at: 'apply', error_message: 'boom \0 boom' });
  for (let n = 0; n < 3; n += 1)
    expect(await attempt.must('finishAttempt', { body: record })).toMatchObject({ confirmed: true });
  expect((await attempt.call('finishAttempt', { body: exitRecord() })).status).toBe(409);
  expect(await taskOf(taskId)).toMatchObject({ status: 'failed', error_message: 'boom \uFFFD boom' });
});

test('what acts ends with the attempt, what delivers does not', async () => {
  const attempt = await begin({ task_type: 'plan_and_apply' });
  await attempt.must('returnAttempt', { body: { reason: 'no disk' } });
  const renewal = await attempt.call('renewAttempt', { body: {} });
  expect(renewal.status).toBe(409);
  expect(renewal.body).toMatchObject({
    code: 'fenced',
    details: { present: { attempt: { state: 'ended', outcome: 'returned' } } },
  });
  for (const name of ['getTaskData', 'getTaskState', 'getTaskConfiguration', 'getTaskPlanFile'] as const)
    expect((await attempt.call(name)).body.code, name).toBe('fenced');
  const headers = {
    'content-type': 'application/octet-stream',
    'x-content-sha256': sha256Hex('x'),
    'x-plan-sha256': sha256Hex('y'),
  };
  expect((await attempt.call('putPlanFile', { body: Buffer.from('x'), headers })).body.code).toBe('fenced');
  expect((await attempt.call('putStatus', { body: { status: 'success' } })).body.code).toBe('fenced');
  await attempt.must('appendLog', { body: logChunk('plan', 0, 'late') });
  const stray = await postState(attempt, makeState(5));
  expect(stray.body.code).toBe('quarantined');
  const late = exitRecord({
    logs: [logEnd('plan', 'late')],
    last_state: markOf(makeState(5)),
    error_message: 'of an attempt that is over',
  });
  expect(await attempt.must('finishAttempt', { body: late })).toEqual({ confirmed: true, missing: [] });
  const task = await taskOf(attempt.taskId);
  expect(task).toMatchObject({ status: 'pending', error_message: null });
  expect(await historyOf(attempt.taskId)).toContain('late_result');
});

test("an attempt's credential opens nothing but its own task", async () => {
  const [one, two] = [await begin(), await begin()];
  const foreign = await server.call('renewAttempt', one.token, { params: { task_id: two.taskId }, body: {} });
  expect(foreign.status).toBe(404);
  const nobody = await server.call('renewAttempt', 'att_nobody', { params: { task_id: two.taskId }, body: {} });
  expect(nobody.status).toBe(401);
});

test('an offer belongs to the agent it was made to', async () => {
  const { token } = await server.must('createPoolToken', server.owner, {
    params: { id: poolId },
    body: { name: 'second' },
  });
  const other = await makeAgent(server, token, 'agent-2', { max_concurrent_jobs: 1 });
  await server.db.updateTable('agents').set({ last_pull_at: null }).where('id', '=', other.id).execute();
  const task = await makeTask(server, await ws());
  const { id } = await server.db
    .selectFrom('attempts')
    .select('id')
    .where('task_id', '=', task.id)
    .executeTakeFirstOrThrow();
  const body = { attempt_id: id, secret_hash: sha256Hex('s') };
  expect((await server.call('acceptAttempt', other.token, { params: { task_id: task.id }, body })).status).toBe(404);
  const reject = { attempt_id: id, reason: 'busy' };
  await server.must('rejectAttempt', agent.token, { params: { task_id: task.id }, body: reject });
  expect(await taskOf(task.id)).toMatchObject({ status: 'pending' });
  await pass();
  expect(await taskOf(task.id)).toMatchObject({ waiting: { message: expect.any(String) } });
});

test('a cancel counts at every stage', async () => {
  const cancel = (id: string) => server.call('cancelTask', server.owner, { params: { task_id: id }, body: {} });
  const offered = await makeTask(server, await ws());
  expect((await cancel(offered.id)).body.status).toBe('cancelled');

  const running = await begin();
  expect((await cancel(running.taskId)).body).toMatchObject({ status: 'running', cancel_level: 1 });
  expect(await running.must('renewAttempt', { body: {} })).toMatchObject({ cancel_level: 1, verdict: 'go_on' });
  await running.must('finishAttempt', { body: exitRecord({ result: 'cancelled', exit_code: 1, signal: null }) });
  expect((await taskOf(running.taskId)).status).toBe('cancelled');

  const waiting = await planned();
  expect((await cancel(waiting.taskId)).body.status).toBe('cancelled');
  expect((await approve(waiting.taskId, waiting.planChecksum)).status).toBe(409);

  const { attempt, taskId } = await applying();
  expect((await cancel(taskId)).body).toMatchObject({ status: 'running', cancel_level: 1 });
  const harder = { params: { task_id: taskId }, body: { level: 2 } };
  expect((await server.call('cancelTask', server.owner, harder)).status).toBe(409);
  const state = makeState(1);
  await postState(attempt, state);
  await attempt.must('finishAttempt', {
    body: exitRecord({ result: 'cancelled', exit_code: 1, failed_at: 'apply', last_state: markOf(state) }),
  });
  expect((await taskOf(taskId)).status).toBe('cancelled');
});

test('cancel and permit asked at once: one comes first, and an apply is never both', async () => {
  for (let round = 0; round < 5; round += 1) {
    const { taskId, planChecksum } = await planned();
    await approve(taskId, planChecksum);
    await pass();
    const attempt = await acceptOffer(server, agent, taskId);
    const [permit, cancel] = await Promise.all([
      attempt.call('askPermit', { body: { nonce: NONCE, plan_checksum: planChecksum } }),
      server.call('cancelTask', server.owner, { params: { task_id: taskId }, body: {} }),
    ]);
    expect(cancel.status).toBe(202);
    const task = await taskOf(taskId);
    if (permit.status === 200) expect(task).toMatchObject({ status: 'running', cancel_level: 1 });
    else expect([permit.body.code, task.status]).toEqual(['permit_refused', 'cancelled']);
    if (permit.status === 200)
      await attempt.must('finishAttempt', { body: exitRecord({ result: 'never_started', exit_code: null }) });
    expect((await taskOf(taskId)).status).toBe('cancelled');
  }
});

test('twenty events of one task at once are decided one after the other', async () => {
  const task = await makeTask(server, await ws());
  const { id } = await server.db
    .selectFrom('attempts')
    .select('id')
    .where('task_id', '=', task.id)
    .executeTakeFirstOrThrow();
  const accepts = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      server.call('acceptAttempt', agent.token, {
        params: { task_id: task.id },
        body: { attempt_id: id, secret_hash: sha256Hex(`secret ${n}`) },
      }),
    ),
  );
  expect(accepts.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(accepts.filter(({ body }) => body.code === 'fenced')).toHaveLength(19);
});

test('an approved plan is stale once the state has moved on', async () => {
  const workspaceId = await ws();
  const { taskId, planChecksum } = await planned(workspaceId);
  await approve(taskId, planChecksum);
  const state = makeState(1);
  const headers = { 'content-type': 'application/octet-stream', 'x-content-sha256': sha256Hex(state) };
  await server.must('pushState', server.owner, { params: { workspace_id: workspaceId }, body: state, headers });
  expect(await taskOf(taskId)).toMatchObject({ status: 'failed', reason: { code: 'plan_stale' } });
});

test('a plan is written once per attempt', async () => {
  const attempt = await begin({ task_type: 'plan_and_apply' });
  const headers = (bytes: string) => ({
    'content-type': 'application/octet-stream',
    'x-content-sha256': sha256Hex(bytes),
    'x-plan-sha256': sha256Hex('p'),
  });
  const put = (bytes: string) => attempt.call('putPlanFile', { body: Buffer.from(bytes), headers: headers(bytes) });
  const both = await Promise.all([put('one'), put('two'), put('one')]);
  expect(both.map(({ status }) => status).sort()).toContain(409);
  const stored = await server.db.selectFrom('plan_files').selectAll().where('attempt_id', '=', attempt.id).execute();
  expect(stored).toHaveLength(1);
  const blobs = await server.db.selectFrom('blobs').select('id').where('subject_id', '=', attempt.id).execute();
  expect(blobs).toHaveLength(1);
  const wrong = { ...headers('three'), 'x-content-sha256': sha256Hex('four') };
  const fresh = await begin({ task_type: 'plan_and_apply' });
  expect((await fresh.call('putPlanFile', { body: Buffer.from('three'), headers: wrong })).status).toBe(422);
  const report = await fresh.call('reportPlan', {
    body: {
      details: {
        counts: { add: 0, change: 0, destroy: 0, replace: 0, import: 0 },
        has_changes: true,
        terraform_version: '1',
        resource_changes: [],
        output_changes: [],
      },
      plan_checksum: sha256Hex('p'),
      lineage: null,
      serial: null,
    },
  });
  expect(report.status).toBe(409);
});

test('an interrupted apply needs a person, and its log is not forgotten', async () => {
  const { attempt, taskId } = await applying();
  await attempt.must('appendLog', { body: logChunk('apply', 0, 'half') });
  const record = exitRecord({
    result: 'interrupted',
    exit_code: null,
    logs: [logEnd('apply', 'half a word')],
    unrecorded: [{ address: 'a.b', action: 'create', id: null }],
  });
  expect(await attempt.must('finishAttempt', { body: record })).toEqual({ confirmed: false, missing: ['apply_log'] });
  await attempt.must('appendLog', { body: logChunk('apply', 4, ' a word') });
  expect(await attempt.must('finishAttempt', { body: record })).toEqual({ confirmed: true, missing: [] });
  expect(await taskOf(taskId)).toMatchObject({ status: 'needs_attention', reason: { code: 'interrupted' } });
  expect((await historyOf(taskId)).filter((kind) => kind === 'unrecorded')).toHaveLength(1);
});

test('an interrupted apply waits for a person, and its agent for no one', async () => {
  const { pool, agents } = await makeCrew(server);
  const only = agents[0] as TestAgent;
  const open = async () => (await makeWorkspace(server, pool.id, {})).workspace_id;
  const { id } = await makeTask(server, await open(), { task_type: 'plan_and_apply' });
  const planning = await acceptOffer(server, only, id);
  const { planChecksum } = await storePlan(planning);
  await finishPlan(planning, planChecksum);
  expect((await approve(id, planChecksum)).status).toBe(200);
  await pass();
  const attempt = await acceptOffer(server, only, id);
  await beginApply(attempt, planChecksum);
  const next = await makeTask(server, await open());
  expect((await taskOf(next.id)).waiting).toMatchObject({ rule: 'nobody_free' });
  await attempt.must('finishAttempt', { body: exitRecord({ result: 'interrupted', exit_code: null, logs: [] }) });
  expect(await taskOf(id)).toMatchObject({ status: 'needs_attention' });
  await pass();
  expect(await acceptOffer(server, only, next.id)).toMatchObject({ taskId: next.id });
});

test('agents of other makes report by status alone', async () => {
  const attempt = await begin();
  await attempt.must('putStatus', {
    body: { status: 'running', stage: 'planning', changes_add: 2, changes_change: 1, changes_destroy: 0 },
  });
  expect(await taskOf(attempt.taskId)).toMatchObject({ stage: 'planning', changes_add: 2, changes_change: 1 });
  expect((await attempt.call('putStatus', { body: { status: 'running', stage: 'init' } })).status).toBe(409);
  await attempt.must('appendLog', { body: logChunk('plan', 0, 'done') });
  await attempt.must('putStatus', { body: { status: 'success' } });
  expect(await taskOf(attempt.taskId)).toMatchObject({ status: 'success' });
  expect((await attempt.call('putStatus', { body: { status: 'failed' } })).body.code).toBe('fenced');
});

test('what could never run is refused at once', async () => {
  const create = (body: object) => server.call('createTask', server.owner, { body });
  expect((await create({ workspace_id: 'nowhere', task_type: 'plan' })).status).toBe(404);
  const empty = await ws({ tf_code: null });
  expect((await create({ workspace_id: empty, task_type: 'plan' })).body).toMatchObject({ code: 'conflict' });
  const other = { workspace_id: await ws(), task_type: 'plan', configuration_id: 'cv-aaaaaaaaaaaaaaaaaaaa' };
  expect((await create(other)).status).toBe(404);
  expect((await create({ ...other, destroy: true, refresh_only: true })).status).toBe(400);
});
