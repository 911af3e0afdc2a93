import { spawnSync } from 'node:child_process';
import { newId, systemClock } from '@groundcrew/kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Ground, prepareGround, STATES } from '../tasks/attempt-states-for-tests.ts';
import {
  acceptOffer,
  exitRecord,
  finishPlan,
  type LiveServer,
  logChunk,
  makeState,
  makeTask,
  makeWorkspace,
  postState,
  startLiveServer,
  storePlan,
} from '../tasks/live-server-for-tests.ts';
import { findValue, parseExposition, type Series } from './exposition-for-tests.ts';

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

/** The server's clock is put ahead, so that nothing that it keeps for a while is old enough to be told again. */
let aheadMs = 0;
let live: LiveServer;
let ground: Ground;
beforeAll(async () => {
  live = await startLiveServer({ clock: { now: () => Date.now() + aheadMs, sleep: systemClock.sleep } });
  ground = await prepareGround(live);
});
afterAll(() => live.close());

const fetchText = async (): Promise<string> => (await fetch(`${live.url}/metrics`)).text();
async function read(): Promise<Series[]> {
  aheadMs += 3_000;
  return parseExposition(await fetchText());
}
describe('what this process decides', () => {
  test('an apply counts in its phases, its end, its state and its log, once each', async () => {
    const before = await read();
    const { attempt } = await STATES.permit_used(ground);
    await attempt.must('renewAttempt', { body: {} });
    await attempt.must('appendLog', { body: logChunk('plan', 0, 'a line\n') });
    await attempt.must('appendLog', { body: logChunk('plan', 0, 'a line\n') });
    const state = makeState(1);
    await postState(attempt, state);
    await postState(attempt, state);
    const body = exitRecord({
      last_state: { lineage: 'lineage-1', serial: 1, checksum: await checksumOf(attempt.id) },
    });
    await attempt.must('finishAttempt', { body });
    await attempt.must('finishAttempt', { body });
    const after = await read();
    const grown = (name: string, labels?: Record<string, string>) =>
      (findValue(after, name, labels) ?? 0) - (findValue(before, name, labels) ?? 0);
    expect({
      started: grown('iac_task_start_seconds_count', { task_type: 'plan_and_apply' }),
      offers: grown('iac_offers_total'),
      returned: grown('iac_attempts_ended_total', { outcome: 'returned' }),
      finished: grown('iac_attempts_ended_total', { outcome: 'finished' }),
      planGivenBack: grown('iac_task_phase_seconds_count', { phase: 'plan', result: 'returned' }),
      planned: grown('iac_task_phase_seconds_count', { phase: 'plan', result: 'finished' }),
      applied: grown('iac_task_phase_seconds_count', { phase: 'apply', result: 'finished' }),
      ended: grown('iac_tasks_ended_total', { task_type: 'plan_and_apply', status: 'applied' }),
      failed: grown('iac_tasks_ended_total', { status: 'failed' }),
      states: grown('iac_state_versions_written_total', { standing: 'current' }),
      renewed: grown('iac_leases_renewed_total'),
      logBytes: grown('iac_log_bytes_total'),
      created: grown('iac_changes_total', { noun: 'task', action: 'create' }),
    }).toEqual({
      started: 1,
      offers: 2,
      returned: 1,
      finished: 1,
      planGivenBack: 1,
      planned: 1,
      applied: 1,
      ended: 1,
      failed: 0,
      states: 1,
      renewed: 1,
      logBytes: 7,
      created: 1,
    });
  });

  test('a failed plan counts with its reason; one that is put away counts as cancelled', async () => {
    const before = await read();
    const failing = await STATES.running(ground);
    const exit = exitRecord({ result: 'failed', exit_code: 1, failed_at: 'plan' });
    await failing.attempt.must('finishAttempt', { body: exit });
    await STATES.cancelled(ground);
    const after = await read();
    const grown = (name: string, labels: Record<string, string>) =>
      (findValue(after, name, labels) ?? 0) - (findValue(before, name, labels) ?? 0);
    expect([
      grown('iac_tasks_ended_total', { status: 'failed', task_type: 'plan_and_apply' }),
      grown('iac_task_failures_total', { reason: 'plan_error' }),
      grown('iac_task_phase_seconds_count', { phase: 'plan', result: 'failed' }),
      grown('iac_tasks_ended_total', { status: 'cancelled', task_type: 'plan_and_apply' }),
      grown('iac_task_phase_seconds_count', { phase: 'plan', result: 'cancelled' }),
    ]).toEqual([1, 1, 1, 1, 1]);
  });

  test('an apply that was interrupted counts as a verdict, and stands among those that need a person', async () => {
    const before = findValue(await read(), 'iac_task_verdicts_total', { reason: 'interrupted' });
    await STATES.interrupted(ground);
    const series = await read();
    expect(findValue(series, 'iac_tasks_needing_attention', { reason: 'interrupted' })).toBe(1);
    expect(findValue(series, 'iac_task_verdicts_total', { reason: 'interrupted' })).toBe((before ?? 0) + 1);
  });

  async function checksumOf(attemptId: string): Promise<string> {
    const rows = live.db.selectFrom('state_versions').select('checksum').where('attempt_id', '=', attemptId);
    return (await rows.executeTakeFirstOrThrow()).checksum;
  }
});

describe('what the database knows', () => {
  test('agents by the names of the contract, however odd, and each series once', async () => {
    const { organization_id } = await live.db
      .selectFrom('pools')
      .select('organization_id')
      .where('id', '=', ground.poolId)
      .executeTakeFirstOrThrow();
    const odd = 'a "quoted" \\ name\nof two lines, ünïcode {x="y"} 🛠';
    const now = Date.now();
    const agents = [
      { name: odd, pool_id: ground.poolId, last_heartbeat_at: new Date(now - 1_000) },
      { name: 'silent', pool_id: ground.poolId, last_heartbeat_at: new Date(now - 400_000) },
      { name: 'in trouble', pool_id: ground.poolId, last_heartbeat_at: new Date(now), reported_status: 'error' },
      { name: 'never heard of', pool_id: null, last_heartbeat_at: null },
      { name: 'gone', pool_id: null, last_heartbeat_at: null, deleted_at: new Date() },
    ];
    const foreign = newId('org');
    await live.db.insertInto('organizations').values({ id: foreign, name: foreign }).execute();
    const rows = agents.map((agent) => ({ id: newId('agent'), organization_id, ...agent }));
    const namesake = { id: newId('agent'), organization_id: foreign, name: 'never heard of', pool_id: null };
    for (const row of [...rows, namesake]) await live.db.insertInto('agents').values(row).execute();

    const series = await read();
    const statusOf = (agent_name: string) => findValue(series, 'iac_agent_status', { agent_name });
    expect(statusOf(odd)).toBe(1);
    expect([statusOf('silent'), statusOf('in trouble'), statusOf('never heard of'), statusOf('gone')]).toEqual([
      0,
      3,
      0,
      undefined,
    ]);
    const ageOf = (agent_name: string) => findValue(series, 'iac_agent_heartbeat_seconds', { agent_name });
    expect(ageOf('silent')).toBeGreaterThanOrEqual(400);
    expect(ageOf('silent')).toBeLessThan(460);
    expect(ageOf('never heard of')).toBeUndefined();
    const [own] = series.filter(({ name, value }) => name === 'iac_agent_active_jobs' && value > 0);
    expect(own?.labels).toEqual({ agent_name: `${ground.agent.agentId}`, pool_id: ground.poolId });
    const keys = series.map(({ name, labels }) => JSON.stringify([name, Object.entries(labels).sort()]));
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('the queue by pool, and what a task waits for', async () => {
    const pool = await live.must('createPool', live.owner, { body: { name: 'without-agents' } });
    const { workspace_id } = await makeWorkspace(live, pool.id);
    const task = await makeTask(live, workspace_id);
    const locked = await makeWorkspace(live, pool.id);
    await live.must('lockWorkspace', live.owner, {
      params: { workspace_id: locked.workspace_id },
      body: { reason: 'not now' },
    });
    await makeTask(live, locked.workspace_id);
    await live.db
      .updateTable('tasks')
      .set({ created_at: new Date(Date.now() - 700_000) })
      .where('id', '=', task.id)
      .execute();
    const of = (waits_for: string) => ({ pool_id: pool.id, waits_for });
    const series = await read();
    expect(findValue(series, 'iac_queue_oldest_seconds', of('agents'))).toBeGreaterThanOrEqual(700);
    expect(findValue(series, 'iac_queue_depth', of('agents'))).toBe(1);
    expect(findValue(series, 'iac_queue_depth', of('workspace'))).toBe(1);
    expect(findValue(series, 'iac_queue_oldest_seconds', of('workspace'))).toBeLessThan(600);
    expect(findValue(series, 'iac_pool_workspaces', { pool_id: pool.id })).toBe(2);
    expect(findValue(series, 'iac_queue_depth', { pool_id: ground.poolId, waits_for: 'agents' })).toBe(0);
    expect(findValue(series, 'iac_tasks_open', { status: 'pending', task_type: 'plan' })).toBe(2);
  });

  test('an approved task waits since its approval, one that came back since then', async () => {
    const { workspace_id } = await makeWorkspace(live, ground.poolId);
    const task = await makeTask(live, workspace_id, { task_type: 'plan_and_apply', auto_approve: false });
    const attempt = await acceptOffer(live, ground.agent, task.id);
    const { planChecksum } = await storePlan(attempt);
    await finishPlan(attempt, planChecksum);
    await live.db
      .updateTable('tasks')
      .set({ created_at: new Date(Date.now() - 9_000_000) })
      .where('id', '=', task.id)
      .execute();
    await live.must('approveTask', live.owner, { params: { task_id: task.id }, body: { plan_checksum: planChecksum } });
    const series = await read();
    expect(findValue(series, 'iac_queue_depth', { pool_id: ground.poolId, waits_for: 'agents' })).toBe(1);
    const age = findValue(series, 'iac_queue_oldest_seconds', { pool_id: ground.poolId, waits_for: 'agents' });
    expect(age).toBeLessThan(60);
  });

  test('states in quarantine', async () => {
    const { attempt } = await STATES.running(ground);
    expect((await postState(attempt, makeState(1))).status).toBe(409);
    expect(findValue(await read(), 'iac_state_versions_quarantined')).toBe(1);
  });
});

describe('the exposition', () => {
  test('names ours in our style, and no id of a task, a workspace, an attempt or a user', async () => {
    const series = await read();
    expect(series.filter(({ name }) => !name.startsWith('iac_'))).toEqual([]);
    const labels = JSON.stringify(series.map((one) => one.labels));
    expect(labels).not.toMatch(/"(task|ws|att|user|tok|sv|req|org)-/);
  });

  test('tells requests by their route, and what no route took together', async () => {
    await fetch(`${live.url}/api/v1/tasks/task-${'x'.repeat(20)}`);
    await fetch(`${live.url}/no/such/${newId('page')}`, { method: 'PATCH' });
    const series = (await read()).filter(({ name }) => name === 'iac_http_request_seconds_count');
    expect(
      findValue(series, 'iac_http_request_seconds_count', { route: '/api/v1/tasks/:task_id', status_class: '4xx' }),
    ).toBe(1);
    const unmatched = { method: 'other', route: 'unmatched', status_class: '4xx' };
    expect(findValue(series, 'iac_http_request_seconds_count', unmatched)).toBe(1);
    expect(JSON.stringify(series)).not.toContain('no/such');
  });

  test.skipIf(!hasPromtool)('is what promtool takes for good', async () => {
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: await fetchText(), encoding: 'utf8' });
    expect([checked.stdout, checked.stderr, checked.status]).toEqual(['', '', 0]);
  });

  test('is quick with a thousand agents, and reads them once for whoever asks at the same time', async () => {
    const { organization_id } = await live.db
      .selectFrom('organizations')
      .select('id as organization_id')
      .executeTakeFirstOrThrow();
    const rows = Array.from({ length: 1_000 }, (_, n) => ({
      id: newId('agent'),
      organization_id,
      name: `agent ${n}`,
      last_heartbeat_at: new Date(),
    }));
    await live.db.insertInto('agents').values(rows).execute();
    aheadMs += 3_000;
    const startedAt = performance.now();
    const texts = await Promise.all(Array.from({ length: 10 }, fetchText));
    // One takes about 20 ms on an idle machine; ten at once are still far below a scrape's time-out of 10 s.
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    for (const text of texts) expect(text).toContain('agent_name="agent 999"');
  });
});
