import { newSecret, sha256Hex } from '@groundcrew/kit';
import { type ServerFrame, SOCKETS } from '@groundcrew/protocol';
import { waitFor } from '@groundcrew/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import {
  acceptOffer,
  beginApply,
  type LiveServer,
  makeAgent,
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

/** An open command socket, as an agent has it. */
async function connect(agent: TestAgent, instance = 1) {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}${SOCKETS.control}?agent_id=${agent.agentId}`, {
    headers: { authorization: `Bearer ${agent.token}` },
  });
  const frames: ServerFrame[] = [];
  let closed: { code: number; reason: string } | undefined;
  socket.on('message', (data) => frames.push(JSON.parse(String(data)) as ServerFrame));
  socket.on('close', (code, reason) => {
    closed = { code, reason: String(reason) };
  });
  await new Promise<void>((resolve, reject) => socket.once('open', () => resolve()).once('error', reject));
  const say = (type: string, payload: object, id = newSecret().slice(0, 8)): string => {
    socket.send(JSON.stringify({ type, id, payload }));
    return id;
  };
  const seen = <T extends ServerFrame['type']>(type: T) =>
    frames.filter((frame): frame is Extract<ServerFrame, { type: T }> => frame.type === type);
  const next = <T extends ServerFrame['type']>(type: T, count = 1) =>
    waitFor(`${count} ${type} of ${agent.agentId}`, () =>
      seen(type).length >= count ? seen(type)[count - 1] : undefined,
    );
  say('hello', { agent_id: agent.agentId, instance, version: '1', attempts: [], free_slots: 3 });
  return {
    say,
    seen,
    next,
    close: () => socket.close(),
    closed: () => waitFor('the close', () => closed),
    terminate: () => socket.terminate(),
  };
}

const offerTo = async (poolId: string, given: Record<string, unknown> = {}) =>
  makeTask(server, (await makeWorkspace(server, poolId)).workspace_id, given);

/** Nothing but its socket makes the agent reachable. */
const forgetPulls = () => server.db.updateTable('agents').set({ last_pull_at: null }).execute();

test('an agent signs on with its own token or with its pool’s, and the same one again is the same agent', async () => {
  const { pool, token } = await makeCrew(server, 0);
  const first = await register(server, token, 'web-1', { labels: { region: 'idc1' } });
  expect(first.body).toMatchObject({ pool_id: pool.id, features: ['push', 'pull'] });
  expect((await register(server, token, 'web-1')).body.id).toBe(first.body.id);
  expect(await agentOf('web-1')).toMatchObject({ id: first.body.id, status: 'online' });
  const own = await server.must('createAgent', server.owner, { body: { name: 'db-host', pool_id: pool.id } });
  expect((await register(server, own.token, 'db-1')).body.id).toBe(own.id);
  expect((await register(server, token, 'db-1')).body).toMatchObject({ code: 'name_taken' });
  expect((await register(server, 'agt_nobody', 'x')).status).toBe(401);
  expect((await register(server, 'nonsense', 'x')).status).toBe(401);
  expect((await register(server, token, 'y', { pool_id: 'pool-aaaaaaaaaaaaaaaaaaaa' })).status).toBe(409);
});

test('a twin on another machine is refused while the first lives, and a copy of its machine while it is connected', async () => {
  const { token } = await makeCrew(server, 0);
  const agent = { ...(await register(server, token, 'twin')).body, agentId: 'twin' } as TestAgent;
  expect((await register(server, token, 'twin', { machine_id: 'm2' })).body.code).toBe('conflict');
  expect((await register(server, token, 'twin', { boot_id: 'b2' })).status).toBe(200);
  const socket = await connect(agent);
  await socket.next('hello_ack');
  expect((await register(server, token, 'twin', { boot_id: 'b3' })).body.code).toBe('conflict');
  socket.close();
  await socket.closed();
  await server.db
    .updateTable('agents')
    .set({ last_heartbeat_at: new Date(0) })
    .where('id', '=', agent.id)
    .execute();
  await waitFor('it to count as gone', async () => !(await agentOf('twin')).connected);
  expect((await register(server, token, 'twin', { machine_id: 'm2' })).status).toBe(200);
});

test('a copy of the work folder on the same machine is refused while the first can be reached', async () => {
  const { token } = await makeCrew(server, 0);
  const first = { folder_id: '11', instance: 4 };
  const agent = { ...(await register(server, token, 'copied', first)).body, agentId: 'copied' } as TestAgent;
  const socket = await connect(agent, 4);
  await socket.next('hello_ack');
  const copy = await register(server, token, 'copied', { folder_id: '12', instance: 5 });
  expect(copy.body).toMatchObject({ code: 'conflict' });
  expect(copy.body.error).toContain('another work folder');
  // The first one goes on undisturbed, and may come again itself.
  socket.say('heartbeat', { agent_id: 'copied', timestamp: '' });
  expect((await socket.next('heartbeat_ack')).payload.answer.drain).toBe(false);
  expect((await register(server, token, 'copied', { ...first, instance: 5 })).status).toBe(200);
  socket.close();
  await socket.closed();
  await waitFor('it to count as gone', async () => !(await agentOf('copied')).connected);
  expect((await register(server, token, 'copied', { folder_id: '12', instance: 1 })).status).toBe(200);
});

test('an older instance that only pulls learns of a newer one with its next heartbeat', async () => {
  const { token } = await makeCrew(server, 0);
  const pulling = async (instance: number) => {
    const agent = { ...(await register(server, token, 'puller', { instance })).body, agentId: 'puller' } as TestAgent;
    await server.db.updateTable('agents').set({ last_pull_at: new Date() }).where('id', '=', agent.id).execute();
    return agent;
  };
  const older = await pulling(1);
  expect((await beat(server, older, { instance: 1 })).body.drain).toBe(false);
  const newer = await pulling(2);
  expect((await beat(server, older, { instance: 1 })).body.drain).toBe(true);
  expect((await beat(server, newer, { instance: 2 })).body.drain).toBe(false);
  // The older one renews its token; it does not become the present one by that.
  await pulling(1);
  expect((await beat(server, newer, { instance: 2 })).body.drain).toBe(false);
});

test('an agent that drains by itself is offered nothing, until it is started again', async () => {
  const { pool, token } = await makeCrew(server, 0);
  const started = async (instance: number) => {
    const given = { instance, capabilities: { terraform_versions: ['1.11.4'] } };
    const agent = { ...(await register(server, token, 'leaver', given)).body, agentId: 'leaver' } as TestAgent;
    await server.db.updateTable('agents').set({ last_pull_at: new Date() }).where('id', '=', agent.id).execute();
    return agent;
  };
  const agent = await started(1);
  await beat(server, agent, { instance: 1, draining: true });
  expect((await agentOf('leaver')).draining).toBe(true);
  const { id } = await offerTo(pool.id);
  const explained = await server.must('explainTask', server.owner, { params: { task_id: id } });
  expect(explained.agents).toMatchObject([{ name: 'leaver', reason: 'draining' }]);
  const again = await started(2);
  // What the older one still says counts no more.
  await beat(server, agent, { instance: 1, draining: true });
  expect((await agentOf('leaver')).draining).toBe(false);
  await server.modules.tasks.dispatcher.pass();
  await acceptOffer(server, again, id);
});

test('an agent that an administrator drains hears it at once, with every hello and with every heartbeat', async () => {
  const { agents } = await makeCrew(server);
  const [agent] = agents as [TestAgent];
  const socket = await connect(agent);
  expect((await socket.next('hello_ack')).payload.heartbeat.drain).toBe(false);
  await server.must('updateAgent', server.owner, { params: { id: agent.id }, body: { draining: true } });
  expect((await socket.next('drain')).payload.reason).toContain('asked the agent to drain');
  expect((await beat(server, agent)).body.drain).toBe(true);
  const again = await connect(agent, 2);
  expect((await again.next('hello_ack')).payload.heartbeat.drain).toBe(true);
  await server.must('updateAgent', server.owner, { params: { id: agent.id }, body: { draining: false } });
  expect((await beat(server, agent)).body.drain).toBe(false);
  socket.close();
  again.close();
});

test('a forgotten agent registers again; names that are taken are made unique', async () => {
  const { token } = await makeCrew(server, 0);
  const { id } = (await register(server, token, 'gone-1')).body;
  await server.must('deleteAgent', server.owner, { params: { id } });
  const again = await register(server, token, 'gone-1');
  expect(again.status).toBe(200);
  expect(again.body.id).not.toBe(id);
  const replica = await register(server, token, 'gone-2', { name: 'GONE-1' });
  expect((await agentOf(replica.body.id)).name).toBe('gone-2');
});

test("a pool's token opens no agent of another pool", async () => {
  const [one, two] = [await makeCrew(server, 0), await makeCrew(server, 0)];
  const { id } = (await register(server, one.token, 'guarded')).body;
  await server.db
    .updateTable('agents')
    .set({ last_heartbeat_at: new Date(0) })
    .where('id', '=', id)
    .execute();
  expect((await register(server, two.token, 'guarded')).body.code).toBe('name_taken');
  const params = { id: two.pool.id };
  await server.must('addPoolAgent', server.owner, { params, body: { agent_id: 'guarded' } });
  expect((await register(server, one.token, 'guarded')).body.pool_id).toBe(two.pool.id);
});

test('a replaced or revoked token stops working at once, with its JWTs and its sockets', async () => {
  const { pool, token, agents } = await makeCrew(server, 1);
  const [shared] = agents as [TestAgent];
  const own = await server.must('createAgent', server.owner, { body: { name: 'own-token', pool_id: pool.id } });
  const agent = { ...(await register(server, own.token, 'own-token')).body, agentId: 'own-token' } as TestAgent;
  const socket = await connect(agent);
  await socket.next('hello_ack');
  const replaced = await server.must('regenerateAgentToken', server.owner, { params: { id: agent.id }, body: {} });
  expect((await beat(server, agent)).status).toBe(401);
  expect(await socket.closed()).toMatchObject({ code: 1008 });
  expect((await register(server, own.token, 'own-token')).status).toBe(401);
  const fresh = { ...(await register(server, replaced.token, 'own-token')).body, agentId: 'own-token' } as TestAgent;
  expect((await beat(server, { ...fresh, token: replaced.token })).status).toBe(200);
  const second = await connect(fresh);
  await second.next('hello_ack');
  await server.must('revokeAgentToken', server.owner, { params: { id: agent.id } });
  expect((await beat(server, fresh)).status).toBe(401);
  await second.closed();

  const third = await connect(shared);
  await third.next('hello_ack');
  const { items } = await server.must('listPoolTokens', server.owner, { params: { id: pool.id } });
  await server.must('revokePoolToken', server.owner, { params: { id: pool.id, token_id: items[0]?.id ?? '' } });
  expect((await beat(server, shared)).status).toBe(401);
  await third.closed();
  expect((await register(server, token, 'late')).status).toBe(401);
});

test('a revocation returns what has no permit and leaves an apply alone', async () => {
  const { pool, agents } = await makeCrew(server, 2);
  await server.must('updatePool', server.owner, { params: { id: pool.id }, body: { allow_apply_concurrent: true } });
  const plan = await offerTo(pool.id);
  const apply = await offerTo(pool.id, { task_type: 'plan_and_apply', auto_approve: true });
  const holderOf = async (id: string) => {
    const [attempt] = (await server.must('listAttempts', server.owner, { params: { task_id: id } })).items;
    return agents.find((agent) => agent.id === attempt?.agent_id) as TestAgent;
  };
  await acceptOffer(server, await holderOf(plan.id), plan.id);
  const applying = await acceptOffer(server, await holderOf(apply.id), apply.id);
  const { planChecksum } = await storePlan(applying);
  await beginApply(applying, planChecksum);
  for (const { id } of agents) await server.must('revokeAgentToken', server.owner, { params: { id } });
  expect(await server.must('getTask', server.owner, { params: { task_id: plan.id } })).toMatchObject({
    status: 'pending',
  });
  expect(await applying.must('renewAttempt', { body: {} })).toMatchObject({ verdict: 'go_on' });
});

test('a pull is given the offer again until it is accepted, then 204 after the wait', async () => {
  const { pool, agents } = await makeCrew(server);
  const [agent] = agents as [TestAgent];
  const pull = (wait: number) => server.call('pullTask', agent.token, { body: { wait_seconds: wait } });
  expect((await pull(0)).status).toBe(204);
  const waiting = pull(10);
  const task = await offerTo(pool.id);
  const first = (await waiting).body;
  expect(first).toMatchObject({ task_id: task.id, action: 'plan', tf_json: {}, state_json: {} });
  expect((await pull(0)).body).toMatchObject({ attempt: first.attempt });
  await acceptOffer(server, agent, task.id);
  const begun = performance.now();
  expect((await pull(0.3)).status).toBe(204);
  expect(performance.now() - begun).toBeGreaterThan(250);
});

test('orders go over the socket, accepts come back over it, a cancel is pushed', async () => {
  const { pool, agents } = await makeCrew(server);
  const [agent] = agents as [TestAgent];
  await forgetPulls();
  const socket = await connect(agent);
  await socket.next('hello_ack');
  const task = await offerTo(pool.id);
  const { payload: order } = await socket.next('run_task');
  expect(order).toMatchObject({ task_id: task.id, action: 'plan', attempt: { epoch: 1 } });
  const accept = { task_id: task.id, attempt_id: order.attempt.id, secret_hash: sha256Hex('s') };
  const id = socket.say('accept', accept);
  expect((await socket.next('accept_ack')).payload).toMatchObject({ reply: id, answer: { epoch: 1 } });
  socket.say('accept', { ...accept, secret_hash: sha256Hex('other') });
  expect((await socket.next('refused')).payload.code).toBe('fenced');
  socket.say('nonsense', {});
  await server.must('cancelTask', server.owner, { params: { task_id: task.id }, body: {} });
  expect((await socket.next('cancel_task')).payload).toMatchObject({ task_id: task.id, level: 1 });
  socket.say('heartbeat', { agent_id: agent.agentId });
  expect((await socket.next('heartbeat_ack')).payload.answer.attempts).toMatchObject([
    { cancel_level: 1, verdict: 'go_on' },
  ]);
  expect((await beat(server, agent)).body.attempts).toMatchObject([{ attempt_id: order.attempt.id, cancel_level: 1 }]);
  expect(socket.seen('run_task')).toHaveLength(1);
  socket.close();
});

test('a heartbeat that waits for its round holds up no accept behind it', async () => {
  const { pool, agents } = await makeCrew(server, 1);
  const [agent] = agents as [TestAgent];
  const link = await connect(agent);
  await link.next('hello_ack');
  await offerTo(pool.id);
  const offer = await link.next('run_task');
  link.say('heartbeat', { agent_id: agent.agentId });
  await link.next('heartbeat_ack');
  link.say('heartbeat', { agent_id: agent.agentId });
  const { task_id, attempt } = offer.payload;
  link.say('accept', { task_id, attempt_id: attempt.id, secret_hash: sha256Hex(newSecret()) });
  await link.next('accept_ack');
  expect(link.seen('heartbeat_ack')).toHaveLength(1);
  await link.next('heartbeat_ack', 2);
  link.close();
});

test('a heartbeat names attempts that have ended as fenced', async () => {
  const { pool, agents } = await makeCrew(server);
  const [agent] = agents as [TestAgent];
  const task = await offerTo(pool.id);
  const attempt = await acceptOffer(server, agent, task.id);
  await attempt.must('returnAttempt', { body: { reason: 'no disk' } });
  expect((await beat(server, agent, { current_tasks: [attempt.id] })).body.attempts).toMatchObject([
    { attempt_id: attempt.id, verdict: 'fenced' },
  ]);
  expect(
    (
      await server.call('heartbeat', agent.token, {
        params: { id: 'someone-else' },
        body: { agent_id: 'someone-else' },
      })
    ).status,
  ).toBe(403);
});

test('an agent that comes back over a new connection gets what it has not accepted, and stays connected', async () => {
  const { pool, agents } = await makeCrew(server);
  const [agent] = agents as [TestAgent];
  await forgetPulls();
  const first = await connect(agent);
  await first.next('hello_ack');
  const task = await offerTo(pool.id);
  await first.next('run_task');
  for (let round = 0; round < 5; round += 1) {
    const again = await connect(agent);
    expect((await again.next('run_task')).payload.task_id).toBe(task.id);
    expect(again.seen('drain')).toEqual([]);
    again.terminate();
  }
  const last = await connect(agent);
  await last.next('run_task');
  expect(await first.closed()).toMatchObject({ code: 1000 });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await agentOf(agent.id)).toMatchObject({ connected: true });
  last.close();
  await waitFor('the socket to be noted as closed', async () => !(await agentOf(agent.id)).connected);
});

test('a newer instance takes over, the older one drains and is sent nothing more', async () => {
  const { pool, agents } = await makeCrew(server);
  const [agent] = agents as [TestAgent];
  await forgetPulls();
  const older = await connect(agent, 1);
  await older.next('hello_ack');
  const newer = await connect(agent, 2);
  await newer.next('hello_ack');
  await older.next('drain');
  await offerTo(pool.id);
  await newer.next('run_task');
  older.say('heartbeat', { agent_id: agent.agentId });
  await older.next('heartbeat_ack');
  expect(older.seen('run_task')).toEqual([]);
  const stray = await connect(agent, 1);
  await stray.next('drain');
  expect(stray.seen('hello_ack')).toEqual([]);
  expect(await agentOf(agent.id)).toMatchObject({ connected: true });
  for (const socket of [older, newer, stray]) socket.close();
});

test('an offer whose wake-up was lost is found by looking', async () => {
  const { pool, agents } = await makeCrew(server);
  const [agent] = agents as [TestAgent];
  const socket = await connect(agent);
  await socket.next('hello_ack');
  const task = await offerTo(pool.id);
  await socket.next('run_task');
  await server.db
    .updateTable('attempts')
    .set({ state: 'offered', sent_at: null })
    .where('task_id', '=', task.id)
    .execute();
  await server.modules.agents.sendUnsent();
  socket.close();
  const fresh = await connect(agent);
  await fresh.next('run_task');
  fresh.close();
});

test("somebody else's token opens no socket", async () => {
  const { token } = await makeCrew(server, 0);
  const one = await makeAgent(server, token, 'socket-1');
  await makeAgent(server, token, 'socket-2');
  await expect(connect({ ...one, agentId: 'socket-2' })).rejects.toThrow('403');
  await expect(connect({ ...one, token: 'nonsense' })).rejects.toThrow('401');
});
