import { randomBytes } from 'node:crypto';
import { type ServerFrame, SOCKETS } from '@groundcrew/protocol';
import { waitFor } from '@groundcrew/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import {
  acceptOffer,
  beginApply,
  exitRecord,
  finishPlan,
  type LiveServer,
  makeCrew,
  makeTask,
  makeWorkspace,
  startLiveServer,
  storePlan,
  type TestAgent,
} from '../tasks/live-server-for-tests.ts';
import { beat, register } from './agent-calls-for-tests.ts';

let server: LiveServer;
beforeAll(async () => {
  server = await startLiveServer();
});
afterAll(() => server.close());

const agentOf = (id: string) => server.must('getAgent', server.owner, { params: { id } });
const offerTo = async (poolId: string, given: Record<string, unknown> = {}) =>
  makeTask(server, (await makeWorkspace(server, poolId)).workspace_id, given);
const cancel = (task_id: string) => server.must('cancelTask', server.owner, { params: { task_id }, body: {} });

describe("an agent's own token", () => {
  const regenerate = (id: string, body: Record<string, unknown>) =>
    server.must('regenerateAgentToken', server.owner, { params: { id }, body });

  test('counts beside the new one for the overlap, over every way in', async () => {
    const { pool } = await makeCrew(server, 0);
    const old = await server.must('createAgent', server.owner, { body: { name: 'own-1', pool_id: pool.id } });
    const jwt = (await register(server, old.token, 'own-1')).body.token;
    const fresh = await regenerate(old.id, { overlap_seconds: 600 });
    for (const token of [jwt, old.token, fresh.token])
      expect((await beat(server, { token, agentId: 'own-1' })).status).toBe(200);
    expect((await register(server, old.token, 'own-1')).status).toBe(200);
    const freshJwt = (await register(server, fresh.token, 'own-1')).body.token;
    await server.db
      .updateTable('agents')
      .set({ previous_token_expires_at: new Date(0) })
      .where('id', '=', old.id)
      .execute();
    for (const token of [jwt, old.token]) expect((await beat(server, { token, agentId: 'own-1' })).status).toBe(401);
    expect((await register(server, old.token, 'own-1')).status).toBe(401);
    expect((await beat(server, { token: freshJwt, agentId: 'own-1' })).status).toBe(200);
  });

  test('revoking takes both, and a later one brings neither back', async () => {
    const { pool } = await makeCrew(server, 0);
    const old = await server.must('createAgent', server.owner, { body: { name: 'own-2', pool_id: pool.id } });
    await register(server, old.token, 'own-2');
    const second = await regenerate(old.id, { overlap_seconds: 600 });
    await server.must('revokeAgentToken', server.owner, { params: { id: old.id } });
    for (const token of [old.token, second.token]) expect((await register(server, token, 'own-2')).status).toBe(401);
    const third = await regenerate(old.id, { overlap_seconds: 600 });
    for (const token of [old.token, second.token]) expect((await register(server, token, 'own-2')).status).toBe(401);
    expect((await register(server, third.token, 'own-2')).status).toBe(200);
  });
});

test('tasks are counted for whoever last took an attempt of them, by how they ended', async () => {
  const { pool, agents } = await makeCrew(server);
  const [agent] = agents as [TestAgent];
  const counts = async () => {
    const { total_tasks, success_tasks, failed_tasks } = await agentOf(agent.id);
    return [total_tasks, success_tasks, failed_tasks];
  };
  expect(await counts()).toEqual([0, 0, 0]);
  // Offered and cancelled: the agent never had it.
  await cancel((await offerTo(pool.id)).id);
  expect(await counts()).toEqual([0, 0, 0]);
  const well = await acceptOffer(server, agent, (await offerTo(pool.id)).id);
  const { planChecksum } = await storePlan(well, { hasChanges: false });
  await finishPlan(well, planChecksum);
  expect(await counts()).toEqual([1, 1, 0]);
  const badly = await acceptOffer(server, agent, (await offerTo(pool.id)).id);
  await badly.must('finishAttempt', { body: exitRecord({ result: 'failed', exit_code: 1, failed_at: 'plan' }) });
  expect(await counts()).toEqual([2, 1, 1]);
  // Planned, thrown away while it waits for a person: neither well nor failed.
  const thrown = await offerTo(pool.id, { task_type: 'plan_and_apply' });
  const planned = await acceptOffer(server, agent, thrown.id);
  const stored = await storePlan(planned);
  await finishPlan(planned, stored.planChecksum);
  expect(await counts()).toEqual([2, 1, 1]);
  await server.must('discardTask', server.owner, { params: { task_id: thrown.id }, body: {} });
  expect(await counts()).toEqual([3, 1, 1]);
  // Said twice, counted once.
  await planned.call('finishAttempt', { body: exitRecord({ plan_checksum: stored.planChecksum }) });
  expect(await counts()).toEqual([3, 1, 1]);
  // Closed by a person: failed.
  const closed = await offerTo(pool.id, { task_type: 'plan_and_apply', auto_approve: true });
  const applying = await acceptOffer(server, agent, closed.id);
  await beginApply(applying, (await storePlan(applying)).planChecksum);
  const lost = sql<Date>`lease_until - interval '10 minutes'`;
  await server.db.updateTable('attempts').set({ lease_until: lost }).where('id', '=', applying.id).execute();
  const params = { task_id: closed.id };
  const { workspace_name } = await server.must('getTask', server.owner, { params });
  await server.must('closeTask', server.owner, {
    params,
    body: { workspace: workspace_name, reason: 'it burnt down' },
  });
  expect(await counts()).toEqual([4, 1, 2]);
});

describe('bad input', () => {
  let crew: { token: string; agent: TestAgent };
  beforeAll(async () => {
    const { token, agents } = await makeCrew(server);
    crew = { token, agent: agents[0] as TestAgent };
  });
  const refused = async (given: Promise<{ status: number; body: { error: string; code: string } }>) => {
    const { status, body } = await given;
    expect(body.error).toMatch(/[.:)]$|\w$/);
    expect(body.error.length).toBeLessThan(600);
    return [status, body.code];
  };

  test.each<[string, Record<string, unknown>]>([
    ['more than all of the processor', { cpu_usage: 1.5 }],
    ['a negative share of the memory', { mem_usage: -0.1 }],
    ['fewer than no plans', { plan_tasks_running: -1 }],
    ['half a plan', { plan_tasks_running: 0.5 }],
    ['more tasks than there are numbers for', { active_jobs: 1e308 }],
    ['a limit beyond reason', { plan_task_limit: 1_000_000 }],
    ['a status of its own making', { status: 'splendid' }],
    ['a thousand and one tasks', { current_tasks: Array(1_001).fill('att-aaaaaaaaaaaaaaaaaaaa') }],
    ['a number as text', { cpu_usage: '0.5' }],
    ['control characters', { version: 'a\u0000b' }],
    ['a reason without end', { plan_task_limit_reason: 'x'.repeat(501) }],
  ])('a heartbeat with %s is refused and changes nothing', async (_, given) => {
    const { agent } = crew;
    const before = (await agentOf(agent.id)).last_heartbeat;
    expect(await refused(beat(server, agent, given))).toEqual([400, 'invalid_request']);
    expect((await agentOf(agent.id)).last_heartbeat).toEqual(before);
  });

  test('a heartbeat in another agent’s name is refused, in the path and in the body', async () => {
    const { agents } = await makeCrew(server, 2);
    const [one, two] = agents as [TestAgent, TestAgent];
    expect(
      await refused(
        server.call('heartbeat', one.token, { params: { id: two.agentId }, body: { agent_id: two.agentId } }),
      ),
    ).toEqual([403, 'forbidden']);
    expect(
      await refused(
        server.call('heartbeat', one.token, { params: { id: one.agentId }, body: { agent_id: two.agentId } }),
      ),
    ).toEqual([403, 'forbidden']);
    expect(await refused(server.call('pingByBody', one.token, { body: { agent_id: two.agentId } }))).toEqual([
      403,
      'forbidden',
    ]);
  });

  test.each<[string, Record<string, unknown>]>([
    ['labels without number', { labels: Array.from({ length: 65 }, (_, n) => `l${n}`) }],
    [
      'a map of labels without number',
      { labels: Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`k${n}`, 'v'])) },
    ],
    ['a label without end', { labels: ['x'.repeat(129)] }],
    ['a label of odd characters', { labels: ['a\nb'] }],
    ['an empty label', { labels: [''] }],
    ['capabilities without end', { capabilities: { notes: 'x'.repeat(70_000) } }],
    ['a thousand versions', { capabilities: { terraform_versions: Array(1_000).fill('1.0.0') } }],
    ['no room at all', { limits: { max_concurrent_jobs: 0 } }],
    ['room for everybody', { limits: { max_concurrent_jobs: 1e9 } }],
    ['a machine with a NUL', { machine_id: 'a\u0000' }],
    ['a start before the first', { instance: -1 }],
    ['no name', { name: '' }],
  ])('signing on with %s is refused', async (_, given) => {
    expect(await refused(register(server, crew.token, `odd-${randomBytes(4).toString('hex')}`, given))).toEqual([
      400,
      'invalid_request',
    ]);
  });

  test.each([
    'a b',
    'a/b',
    '../x',
    'ä',
    '-a',
    '.',
    "a'b",
    'a"b',
    'a;b',
    'a\nb',
    '\u202egpj',
    '🤖',
    'a\u0000',
    'x'.repeat(129),
    '',
  ])('an agent_id of odd characters is refused: %j', async (agentId) => {
    const { token } = await makeCrew(server, 0);
    const answer = await server.call('registerAgent', token, { body: { name: 'n', agent_id: agentId } });
    expect(answer.status).toBe(400);
    const query = await server.call('getAgent', server.owner, { params: { id: agentId || ' ' } });
    expect([400, 404]).toContain(query.status);
  });

  test('a frame that is not understood is refused by its id, and the socket stays', async () => {
    const { agents } = await makeCrew(server);
    const [agent] = agents as [TestAgent];
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}${SOCKETS.control}?agent_id=${agent.agentId}`, {
      headers: { authorization: `Bearer ${agent.token}` },
    });
    const frames: ServerFrame[] = [];
    socket.on('message', (data) => frames.push(JSON.parse(String(data)) as ServerFrame));
    await new Promise<void>((resolve, reject) => socket.once('open', () => resolve()).once('error', reject));
    const say = (frame: unknown) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
    for (const nonsense of ['{', '[]', 'null', '"x"', { type: 'heartbeat' }, { id: 7, type: 'hello' }]) say(nonsense);
    say({ type: 'heartbeat', id: 'bad', payload: { agent_id: agent.agentId, cpu_usage: 7 } });
    say({ type: 'dance', id: 'unknown', payload: {} });
    say({ type: 'heartbeat', id: 'good', payload: { agent_id: agent.agentId } });
    const answer = await waitFor('the answer to the good one', () =>
      frames.find(({ type }) => type === 'heartbeat_ack'),
    );
    expect(answer.payload).toMatchObject({ reply: 'good' });
    const refusals = frames.flatMap((frame) => (frame.type === 'refused' ? [frame.payload] : []));
    expect(refusals.map(({ reply, code }) => [reply, code])).toEqual([
      ['bad', 'invalid_request'],
      ['unknown', 'invalid_request'],
    ]);
    expect(refusals[0]?.error).toContain('payload.cpu_usage');
    socket.close();
  });
});

describe('priority', () => {
  const ask = async (token: string, given: Record<string, unknown>, workspaceId: string) =>
    server.call('createTask', token, { body: { workspace_id: workspaceId, task_type: 'plan', ...given } });

  test('anybody may stand back; standing in front needs the right to apply', async () => {
    const { pool } = await makeCrew(server, 0);
    const { workspace_id } = await makeWorkspace(server, pool.id);
    const planner = await server.must('createUser', server.owner, {
      body: { name: `p-${pool.name}`, role: 'planner' },
    });
    const { token } = await server.must('createToken', server.owner, { body: { name: 'p', user_id: planner.id } });
    expect((await ask(server.owner, {}, workspace_id)).body.priority).toBe(0);
    expect((await ask(server.owner, { priority: 10 }, workspace_id)).body.priority).toBe(10);
    expect((await ask(token, { priority: -10 }, workspace_id)).body.priority).toBe(-10);
    expect((await ask(token, { priority: 0 }, workspace_id)).status).toBe(201);
    expect((await ask(token, { priority: 1 }, workspace_id)).body).toMatchObject({
      code: 'forbidden',
      error: expect.stringContaining('task:apply'),
    });
    for (const priority of [11, -11, 0.5, 'high', null])
      expect((await ask(server.owner, { priority }, workspace_id)).status).toBe(400);
  });

  test('a token marked as automation stands behind people, and may stand where they do with the right to apply', async () => {
    const { pool } = await makeCrew(server, 0);
    const { workspace_id } = await makeWorkspace(server, pool.id);
    const body = { name: 'nightly', automation: true };
    const { token, automation } = await server.must('createToken', server.owner, { body });
    expect(automation).toBe(true);
    expect((await ask(token, {}, workspace_id)).body.priority).toBe(-5);
    expect((await ask(token, { priority: 0 }, workspace_id)).body.priority).toBe(0);
  });
});
