import { waitFor } from '@groundcrew/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  acceptOffer,
  beginApply,
  finishPlan,
  type LiveServer,
  makeBoundlessAgent,
  makeTask,
  makeWorkspace,
  startLiveServer,
  storePlan,
  type TestAgent,
} from './live-server-for-tests.ts';
import { taskChannel } from './module.ts';

let server: LiveServer;
let agent: TestAgent;
let poolId: string;
beforeAll(async () => {
  server = await startLiveServer();
  ({ agent, poolId } = await makeBoundlessAgent(server));
});
beforeEach(() => server.modules.tasks.keeper.keepAlive());
afterAll(() => server.close());

const { keeper, taskOf, pass, attemptsOf } = {
  keeper: () => server.modules.tasks.keeper,
  pass: () => server.modules.tasks.dispatcher.pass(),
  taskOf: (id: string) => server.must('getTask', server.owner, { params: { task_id: id } }),
  attemptsOf: async (id: string) =>
    (await server.must('listAttempts', server.owner, { params: { task_id: id } })).items,
};

/** Lets time pass for one task: every deadline it is under lies so much earlier. */
async function letPass(taskId: string, seconds: number): Promise<void> {
  const by = sql`make_interval(secs => ${seconds})`;
  await sql`UPDATE tasks SET deadline_at = deadline_at - ${by}, plan_expires_at = plan_expires_at - ${by} WHERE id = ${taskId}`.execute(
    server.db,
  );
  await sql`UPDATE attempts SET offer_expires_at = offer_expires_at - ${by}, lease_until = lease_until - ${by}, give_up_at = give_up_at - ${by},
    timeout_at = timeout_at - ${by}, stop_by = stop_by - ${by}, settle_by = settle_by - ${by} WHERE task_id = ${taskId}`.execute(
    server.db,
  );
  // Nobody is passed over for long in a test.
  await sql`UPDATE tasks SET passed_over = '[]' WHERE id = ${taskId}`.execute(server.db);
}

async function sweepAfter(taskId: string, seconds: number): Promise<void> {
  await letPass(taskId, seconds);
  await keeper().sweep();
  await sql`UPDATE tasks SET passed_over = '[]' WHERE id = ${taskId}`.execute(server.db);
}

const newTask = async (given: Record<string, unknown> = {}) =>
  makeTask(server, (await makeWorkspace(server, poolId)).workspace_id, given);

test('an offer that nobody takes goes back; only one that was sent counts against the agent', async () => {
  const { id } = await newTask();
  await sweepAfter(id, 9);
  expect((await attemptsOf(id))[0]).toMatchObject({ state: 'offered' });
  await sweepAfter(id, 2);
  expect(await taskOf(id)).toMatchObject({ status: 'pending' });
  expect((await attemptsOf(id))[0]).toMatchObject({ state: 'ended', outcome: 'returned' });
  const silent = async () =>
    (await server.db.selectFrom('agents').select('silent_offers').where('id', '=', agent.id).executeTakeFirstOrThrow())
      .silent_offers;
  expect(await silent()).toBe(0);
  for (let n = 1; n <= 3; n += 1) {
    await pass();
    await server.modules.tasks.decider.decide(id, { kind: 'mark_sent' });
    await sweepAfter(id, 11);
    expect(await silent()).toBe(n);
  }
  await pass();
  expect(await taskOf(id)).toMatchObject({ waiting: { message: expect.stringMatching(/./) } });
  expect(await attemptsOf(id)).toHaveLength(4);
  // Its next good call: a heartbeat is none, an answer is.
  await server.db.updateTable('agents').set({ silent_offers: 0 }).execute();
  await pass();
  await acceptOffer(server, agent, id);
});

test('a silent plan is queued again once, and fails the second time with the reason', async () => {
  const { id } = await newTask();
  await acceptOffer(server, agent, id);
  await sweepAfter(id, 119);
  expect(await taskOf(id)).toMatchObject({ status: 'running', contact_lost_since: expect.any(String) });
  await sweepAfter(id, 2);
  expect(await taskOf(id)).toMatchObject({ status: 'pending' });
  await pass();
  await acceptOffer(server, agent, id);
  await sweepAfter(id, 121);
  expect(await taskOf(id)).toMatchObject({ status: 'failed', reason: { code: 'too_many_losses' } });
});

test('the fifth return fails the task with all five reasons', async () => {
  const { id } = await newTask();
  for (let n = 1; n <= 5; n += 1) {
    const attempt = await acceptOffer(server, agent, id);
    await attempt.must('returnAttempt', { body: { reason: `reason ${n}` } });
    await sweepAfter(id, 0);
    await pass();
  }
  const task = await taskOf(id);
  expect(task.reason?.code).toBe('too_many_returns');
  for (let n = 1; n <= 5; n += 1) expect(task.reason?.message).toContain(`reason ${n}`);
});

test('a silent apply is kept and asks for a person; it goes on when it renews', async () => {
  const { id } = await newTask({ task_type: 'plan_and_apply', auto_approve: true });
  const attempt = await acceptOffer(server, agent, id);
  const { planChecksum } = await storePlan(attempt);
  await beginApply(attempt, planChecksum);
  await sweepAfter(id, 3600);
  expect(await taskOf(id)).toMatchObject({ status: 'running' });
  await sweepAfter(id, 7 * 3600);
  expect(await taskOf(id)).toMatchObject({ status: 'needs_attention', reason: { code: 'abandoned' } });
  await attempt.must('renewAttempt', { body: {} });
  expect(await taskOf(id)).toMatchObject({ status: 'running', reason: null });
});

test('a plan past its time is cancelled, and ended when it does not stop', async () => {
  const { id } = await newTask();
  const attempt = await acceptOffer(server, agent, id);
  for (let minutes = 0; minutes < 62; minutes += 1) {
    await letPass(id, 60);
    await attempt.must('renewAttempt', { body: {} });
  }
  await keeper().sweep();
  expect(await attempt.must('renewAttempt', { body: {} })).toMatchObject({ cancel_level: 1 });
  await sweepAfter(id, 130);
  expect(await taskOf(id)).toMatchObject({ status: 'cancelled', reason: { code: 'timed_out' } });
  expect((await attempt.call('renewAttempt', { body: {} })).body.code).toBe('fenced');
});

test('a plan that nobody approves fails after its life', async () => {
  const { id } = await newTask({ task_type: 'plan_and_apply' });
  const attempt = await acceptOffer(server, agent, id);
  const { planChecksum } = await storePlan(attempt);
  await finishPlan(attempt, planChecksum);
  await sweepAfter(id, 7 * 86_400 + 1);
  expect(await taskOf(id)).toMatchObject({ status: 'failed', reason: { code: 'plan_stale' } });
});

test('after an outage every deadline is moved before any is applied', async () => {
  const { id } = await newTask();
  await acceptOffer(server, agent, id);
  await letPass(id, 300);
  await sql`UPDATE server_facts SET value = to_jsonb((value::text)::bigint - 300000) WHERE key = 'alive_at'`.execute(
    server.db,
  );
  await keeper().sweep();
  expect(await taskOf(id)).toMatchObject({ status: 'running' });
  await keeper().keepAlive();
  await keeper().sweep();
  expect(await taskOf(id)).toMatchObject({ status: 'running', contact_lost_since: null });
  await sweepAfter(id, 120 + 60 + 5);
  expect(await taskOf(id)).toMatchObject({ status: 'pending' });
});

test('twenty keepers at once agree', async () => {
  await sql`UPDATE server_facts SET value = to_jsonb((value::text)::bigint - 100000) WHERE key = 'alive_at'`.execute(
    server.db,
  );
  const { id } = await newTask();
  const before = await server.db
    .selectFrom('tasks')
    .select('deadline_at')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  await Promise.all(Array.from({ length: 20 }, () => keeper().keepAlive()));
  const after = await server.db
    .selectFrom('tasks')
    .select('deadline_at')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  const moved = Number(after.deadline_at) - Number(before.deadline_at);
  expect(moved).toBeGreaterThan(155_000);
  expect(moved).toBeLessThan(190_000);
});

test('a lease that runs out is told once, whichever replica sees it; and so is that its runner is heard again', async () => {
  const { id } = await newTask();
  const attempt = await acceptOffer(server, agent, id);
  await keeper().tellLostContact();
  const woken: string[] = [];
  const stop = server.bus.subscribe(taskChannel(id), (what) => void woken.push(what));
  await keeper().tellLostContact();
  expect(woken).toEqual([]);
  await server.db
    .updateTable('attempts')
    .set({ lease_until: sql<Date>`clock_timestamp()` })
    .where('task_id', '=', id)
    .execute();
  await Promise.all(Array.from({ length: 10 }, () => keeper().tellLostContact()));
  await waitFor('the wake-up', () => woken.length === 1);
  await keeper().tellLostContact();
  stop();
  expect(woken).toEqual([id]);
  await attempt.must('renewAttempt', { body: {} });
  await attempt.must('renewAttempt', { body: {} });
  const contact = (row: { kind: string }) => row.kind.startsWith('contact_');
  const { items } = await server.must('listTaskEvents', server.owner, {
    params: { task_id: id },
    query: { limit: 200 },
  });
  expect(items.filter(contact).map(({ kind }) => kind)).toEqual(['contact_lost', 'contact_back']);
  const { rows } = await sql<{ kind: string }>`SELECT kind FROM events WHERE subject_id = ${id} ORDER BY seq`.execute(
    server.db,
  );
  expect(rows.filter(contact).map(({ kind }) => kind)).toEqual(['contact_lost', 'contact_back']);
});
