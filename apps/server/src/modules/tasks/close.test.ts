import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  acceptOffer,
  beginApply,
  exitRecord,
  type LiveServer,
  makeBoundlessAgent,
  makeState,
  makeTask,
  makeWorkspace,
  markOf,
  postState,
  startLiveServer,
  storePlan,
  type TestAgent,
} from './live-server-for-tests.ts';

let server: LiveServer;
let agent: TestAgent;
let poolId: string;
beforeAll(async () => {
  server = await startLiveServer();
  ({ agent, poolId } = await makeBoundlessAgent(server));
});
afterAll(() => server.close());

const taskOf = (id: string) => server.must('getTask', server.owner, { params: { task_id: id } });
const workspaceOf = (id: string) => server.must('getWorkspace', server.owner, { params: { workspace_id: id } });
const close = (id: string, workspace: string, reason = 'its host burnt down') =>
  server.call('closeTask', server.owner, { params: { task_id: id }, body: { workspace, reason } });
const unlock = (id: string, query = {}) =>
  server.call('unlockWorkspace', server.owner, { params: { workspace_id: id }, query });

/** Lets so many seconds pass without a word from the task's attempt. */
async function beSilent(taskId: string, seconds: number): Promise<void> {
  const by = sql`make_interval(secs => ${seconds})`;
  await sql`UPDATE tasks SET deadline_at = deadline_at - ${by} WHERE id = ${taskId}`.execute(server.db);
  await sql`UPDATE attempts SET lease_until = lease_until - ${by}, give_up_at = give_up_at - ${by}, settle_by = settle_by - ${by} WHERE task_id = ${taskId}`.execute(
    server.db,
  );
}

/** An apply under way that has said which resource it works on. */
async function applying() {
  const workspace = await makeWorkspace(server, poolId);
  const task = await makeTask(server, workspace.workspace_id, { task_type: 'plan_and_apply', auto_approve: true });
  const attempt = await acceptOffer(server, agent, task.id);
  const { planChecksum } = await storePlan(attempt);
  await beginApply(attempt, planChecksum);
  const progress = { done: 1, total: 3, running: ['aws_db_instance.main'] };
  await attempt.must('renewAttempt', { body: { stage: 'applying', progress } });
  return { workspace, attempt, taskId: task.id };
}

test('an apply in contact has no verdict and cannot be closed', async () => {
  const { workspace, taskId } = await applying();
  expect((await taskOf(taskId)).verdict).toBeNull();
  const answer = await close(taskId, workspace.name);
  expect([answer.status, answer.body.code]).toEqual([409, 'conflict']);
  expect(answer.body.error).toMatch(/in contact/);
});

test('contact lost tells what was last seen and what can be done; closing wants the name of the workspace', async () => {
  const { workspace, attempt, taskId } = await applying();
  await postState(attempt, makeState(1));
  await beSilent(taskId, 70);
  const { verdict } = await taskOf(taskId);
  expect(verdict).toMatchObject({
    kind: 'contact_lost',
    may_still_run: true,
    may_close: true,
    attempt: { id: attempt.id, number: 1, agent_id: agent.id },
    last_seen: { stage: 'applying', progress: { done: 1, total: 3, running: ['aws_db_instance.main'] } },
    last_state: { version: 1, serial: 1 },
    unrecorded: [],
  });
  expect(verdict?.warning).toBe(
    `Terraform of attempt 1 may still be changing: aws_db_instance.main; its state since ${verdict?.last_state?.created_at} is not here.`,
  );
  expect(verdict?.ways_out.map(({ command }) => command)).toEqual([
    null,
    `agent show ${agent.id}`,
    `task close ${taskId} --reason "<why>"`,
  ]);

  expect((await close(taskId, 'another')).body).toMatchObject({ code: 'conflict', details: { reason: 'unconfirmed' } });
  expect((await close(taskId, workspace.name, ' ')).status).toBe(400);
  expect((await taskOf(taskId)).status).toBe('running');

  const closed = await close(taskId, workspace.name);
  expect(closed.body).toMatchObject({ status: 'failed', reason: { code: 'closed' } });
  expect(closed.body.verdict).toMatchObject({ kind: 'closed', may_still_run: true, may_close: false });
  expect(closed.body.verdict?.message).toContain('its host burnt down');
  expect(await workspaceOf(workspace.workspace_id)).toMatchObject({
    locked: { by: 'admin' },
    unproven_attempts: [{ task_id: taskId, attempt_id: attempt.id, attempt_number: 1 }],
    hold_task_id: null,
  });
  const { items } = await server.must('listAudit', server.owner, { query: { subject_id: taskId } });
  expect(items[0]).toMatchObject({ action: 'close', after: { reason: 'its host burnt down' } });
  expect((await close(taskId, workspace.name)).body.error).toMatch(/has ended/);
});

test('the workspace of a closed apply is unlocked only with the warning acknowledged, or once a late result is in', async () => {
  const { workspace, attempt, taskId } = await applying();
  await beSilent(taskId, 70);
  await close(taskId, workspace.name);
  const refused = await unlock(workspace.workspace_id);
  expect(refused.body).toMatchObject({ code: 'conflict', details: { reason: 'unconfirmed' } });
  expect(refused.body.error).toContain('attempt 1');

  expect((await attempt.call('renewAttempt', { body: {} })).body.code).toBe('fenced');
  const late = await postState(attempt, makeState(2));
  expect(late.body).toMatchObject({ code: 'quarantined', details: { version: 1 } });
  const unrecorded = [{ address: 'aws_db_instance.main', action: 'create', id: 'db-1' }];
  const body = exitRecord({ result: 'interrupted', exit_code: null, last_state: markOf(makeState(2)), unrecorded });
  expect(await attempt.must('finishAttempt', { body })).toMatchObject({ confirmed: true });

  const { verdict, status } = await taskOf(taskId);
  expect(status).toBe('failed');
  expect(verdict).toMatchObject({
    kind: 'closed',
    may_still_run: false,
    warning: null,
    unrecorded,
    quarantined: [{ version: 1, serial: 2 }],
  });
  expect(verdict?.ways_out.map(({ command }) => command)).toEqual([
    `state quarantine compare ${workspace.name} 1`,
    `state quarantine accept ${workspace.name} 1 --reason "<why>"`,
    `workspace unlock ${workspace.name}`,
  ]);
  expect((await workspaceOf(workspace.workspace_id)).unproven_attempts).toEqual([]);
  expect((await unlock(workspace.workspace_id)).body).toMatchObject({ locked: null });
});

test('acknowledged, a lock opens without proof', async () => {
  const { workspace, taskId } = await applying();
  await beSilent(taskId, 70);
  await close(taskId, workspace.name);
  expect((await unlock(workspace.workspace_id, { acknowledge: 'true' })).body).toMatchObject({ locked: null });
  const params = { workspace_id: workspace.workspace_id };
  const deleted = await server.call('deleteWorkspace', server.owner, { params });
  expect([deleted.body.code, deleted.body.error]).toEqual(['in_use', expect.stringContaining('attempt 1')]);
  // Nothing is proved by that: whoever asks for an apply now is asked again.
  expect((await workspaceOf(workspace.workspace_id)).unproven_attempts).toHaveLength(1);
  const task = await makeTask(server, workspace.workspace_id, { task_type: 'plan_and_apply', auto_approve: true });
  expect((await taskOf(task.id)).action).toBe('plan');
});

test('a proven death names the resources that no state records, and closing leaves no mark', async () => {
  const { workspace, attempt, taskId } = await applying();
  const unrecorded = Array.from({ length: 7 }, (_, n) => ({
    address: `aws_instance.n[${n}]`,
    action: 'create',
    id: null,
  }));
  await attempt.must('finishAttempt', { body: exitRecord({ result: 'interrupted', exit_code: null, unrecorded }) });
  const task = await taskOf(taskId);
  expect(task).toMatchObject({ status: 'needs_attention', reason: { code: 'interrupted' } });
  expect(task.verdict).toMatchObject({
    kind: 'interrupted',
    may_still_run: false,
    may_close: true,
    warning: null,
    unrecorded,
  });
  expect(task.verdict?.message).toContain('7 resources were changed that the last state does not record');
  expect(task.verdict?.message).toContain('aws_instance.n[4] and 2 more');
  expect((await close(taskId, workspace.name)).status).toBe(200);
  expect(await workspaceOf(workspace.workspace_id)).toMatchObject({ locked: null, unproven_attempts: [] });
});

test('an abandoned apply can be closed; one that comes back goes on, and closing is not offered any more', async () => {
  const { attempt, taskId } = await applying();
  await server.modules.tasks.keeper.keepAlive();
  await beSilent(taskId, 8 * 3600);
  await server.modules.tasks.keeper.sweep();
  expect((await taskOf(taskId)).verdict).toMatchObject({ kind: 'abandoned', may_close: true, may_still_run: true });
  await attempt.must('renewAttempt', { body: {} });
  expect(await taskOf(taskId)).toMatchObject({ status: 'running', verdict: null });
});

test('a plan out of contact is no business of a person', async () => {
  const { workspace_id, name } = await makeWorkspace(server, poolId);
  const { id } = await makeTask(server, workspace_id);
  await acceptOffer(server, agent, id);
  await beSilent(id, 70);
  expect((await taskOf(id)).verdict).toMatchObject({ kind: 'contact_lost', may_still_run: false, may_close: false });
  expect((await close(id, name)).status).toBe(409);
});
