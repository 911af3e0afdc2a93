import { systemClock } from '@groundcrew/kit';
import { Heartbeat } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { transaction } from '../../platform/database/index.ts';
import {
  acceptOffer,
  type LiveServer,
  makeCrew,
  makeTask,
  makeWorkspace,
  startLiveServer,
  type TestAgent,
} from '../tasks/live-server-for-tests.ts';
import { createHeartbeats, type Heartbeats } from './heartbeat.ts';
import { type SaidHeartbeat, saveHeartbeats } from './store.ts';

let server: LiveServer;
let heartbeats: Heartbeats;
beforeAll(async () => {
  server = await startLiveServer();
  heartbeats = createHeartbeats({ db: server.db, clock: systemClock, logIntervalMs: 1_000 });
});
afterAll(() => server.close());

/** What is given is not looked at: the schema of the route would keep out what the database refuses. */
const bodyOf = (agent: TestAgent, given: Partial<Heartbeat> = {}): Heartbeat => ({
  ...Heartbeat.parse({ agent_id: agent.agentId }),
  ...given,
});
const idOf = (agent: TestAgent) => agent.id as SaidHeartbeat['agentId'];
const take = (agent: TestAgent, given: Partial<Heartbeat> = {}) => heartbeats.take(idOf(agent), bodyOf(agent, given));
const rowOf = (agent: TestAgent) =>
  server.db.selectFrom('agents').selectAll().where('id', '=', agent.id).executeTakeFirstOrThrow();
const setRow = (agent: TestAgent, values: Record<string, unknown>) =>
  server.db.updateTable('agents').set(values).where('id', '=', agent.id).execute();
/** Makes one row come from another transaction that goes on until released. */
function hold(agent: TestAgent) {
  const [held, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const ended = transaction(server.db, async (tx) => {
    await sql`SELECT FROM agents WHERE id = ${agent.id} FOR UPDATE`.execute(tx);
    held.resolve();
    await released.promise;
  });
  return {
    held: held.promise,
    release: () => {
      released.resolve();
      return ended;
    },
  };
}

test('heartbeats that come together are each written and answered with what concerns that agent', async () => {
  const { pool, agents } = await makeCrew(server, 3);
  const [first, second, third] = agents as [TestAgent, TestAgent, TestAgent];
  await setRow(second, { draining: true });
  const task = await makeTask(server, (await makeWorkspace(server, pool.id)).workspace_id);
  const { agent_id } = await server.db
    .selectFrom('attempts')
    .select('agent_id')
    .where('task_id', '=', task.id)
    .executeTakeFirstOrThrow();
  const busy = agents.find(({ id }) => id === agent_id) as TestAgent;
  const attempt = await acceptOffer(server, busy, task.id);
  await server.must('cancelTask', server.owner, { params: { task_id: task.id }, body: { level: 1 } });
  const answers = await Promise.all(agents.map((agent, n) => take(agent, { cpu_usage: n / 10, version: `1.${n}` })));
  for (const [n, agent] of agents.entries()) {
    const wished = [{ attempt_id: attempt.id, task_id: task.id, cancel_level: 1, verdict: 'go_on' }];
    expect(answers[n]).toMatchObject({ drain: agent === second, attempts: agent === busy ? wished : [] });
    expect(await rowOf(agent)).toMatchObject({ version: `1.${n}`, last_heartbeat: { cpu_usage: n / 10 } });
  }
  expect((await rowOf(first)).last_heartbeat_at).not.toBeNull();
  expect((await rowOf(third)).last_message_at).not.toBeNull();
});

test('whoever comes with a foreign attempt is told nothing of it', async () => {
  const { pool, agents } = await makeCrew(server, 2);
  const task = await makeTask(server, (await makeWorkspace(server, pool.id)).workspace_id);
  const { id, agent_id } = await server.db
    .selectFrom('attempts')
    .select(['id', 'agent_id'])
    .where('task_id', '=', task.id)
    .executeTakeFirstOrThrow();
  await server.must('cancelTask', server.owner, { params: { task_id: task.id }, body: { level: 1 } });
  const answers = await Promise.all(agents.map((agent) => take(agent, { current_tasks: [id] })));
  const owner = agents.findIndex((agent) => agent.id === agent_id);
  expect(answers[owner]?.attempts).toMatchObject([{ attempt_id: id, verdict: 'fenced' }]);
  expect(answers[1 - owner]?.attempts).toEqual([]);
});

test('an agent whose row somebody holds delays nobody else’s heartbeat, and has its own written afterwards', async () => {
  const { agents } = await makeCrew(server, 3);
  const [stuck, ...others] = agents as [TestAgent, TestAgent, TestAgent];
  const other = hold(stuck);
  await other.held;
  const late = take(stuck, { cpu_usage: 0.7 });
  await Promise.all(others.map((agent) => take(agent, { cpu_usage: 0.2 })));
  for (const agent of others) expect(await rowOf(agent)).toMatchObject({ last_heartbeat: { cpu_usage: 0.2 } });
  expect((await rowOf(stuck)).last_heartbeat).toBeNull();
  const next = take(stuck, { cpu_usage: 0.9 });
  await Promise.all(others.map((agent) => take(agent, { cpu_usage: 0.3 })));
  await other.release();
  await late;
  expect(await rowOf(stuck)).toMatchObject({ last_heartbeat: { cpu_usage: 0.7 } });
  await next;
  expect(await rowOf(stuck)).toMatchObject({ last_heartbeat: { cpu_usage: 0.9 } });
});

test('of two instances in one round the newer one’s words stay, and only the older one is told to drain', async () => {
  const { agents } = await makeCrew(server, 1);
  const [agent] = agents as [TestAgent];
  await setRow(agent, { instance: 5 });
  const [older, newer, again] = await Promise.all([
    take(agent, { instance: 4, cpu_usage: 0.4 }),
    take(agent, { instance: 5, cpu_usage: 0.5 }),
    take(agent, { instance: 4, cpu_usage: 0.3 }),
  ]);
  expect([older?.drain, newer?.drain, again?.drain]).toEqual([true, false, true]);
  expect(await rowOf(agent)).toMatchObject({ last_heartbeat: { cpu_usage: 0.5 } });
});

test('a heartbeat counts from when it came: one that waited makes nobody look alive for longer', async () => {
  const { agents } = await makeCrew(server, 1);
  const [agent] = agents as [TestAgent];
  const said = (ageMs: number): SaidHeartbeat => ({
    agentId: idOf(agent),
    body: bodyOf(agent),
    held: undefined,
    ageMs,
  });
  await setRow(agent, { last_heartbeat_at: null, last_message_at: null });
  await saveHeartbeats(server.db, [said(200_000)]);
  expect(await server.must('getAgent', server.owner, { params: { id: agent.id } })).toMatchObject({
    status: 'offline',
  });
  await saveHeartbeats(server.db, [said(10_000)]);
  const { last_heartbeat_at } = await rowOf(agent);
  expect(Date.now() - Number(last_heartbeat_at)).toBeGreaterThanOrEqual(10_000);
  await saveHeartbeats(server.db, [said(20_000)]);
  expect((await rowOf(agent)).last_heartbeat_at).toEqual(last_heartbeat_at);
});

test('a heartbeat forgives one unanswered offer: an agent that was stopped and kept its socket is asked again', async () => {
  const { agents } = await makeCrew(server, 1);
  const agent = agents[0] as TestAgent;
  await setRow(agent, { silent_offers: 3 });
  const statusOf = async () => (await server.must('getAgent', server.owner, { params: { id: agent.id } })).status;
  expect(await statusOf()).toBe('error');
  await take(agent);
  expect([(await rowOf(agent)).silent_offers, await statusOf()]).toEqual([2, 'online']);
  for (let beats = 0; beats < 3; beats += 1) await take(agent);
  expect((await rowOf(agent)).silent_offers).toBe(0);
});

test('what the database refuses of one is nobody else’s trouble', async () => {
  const { agents } = await makeCrew(server, 3);
  const [bad, ...good] = agents as [TestAgent, TestAgent, TestAgent];
  const refused = expect(take(bad, { version: '1\u0000' })).rejects.toThrow();
  await Promise.all(good.map((agent) => take(agent, { version: '2' })));
  await refused;
  for (const agent of good) expect(await rowOf(agent)).toMatchObject({ version: '2' });
  await take(bad, { version: '3' });
  expect(await rowOf(bad)).toMatchObject({ version: '3' });
});

test('a heartbeat of an agent that is gone changes nothing and is answered', async () => {
  const { agents } = await makeCrew(server, 1);
  const [agent] = agents as [TestAgent];
  const gone = { ...agent, id: 'agent-nobody' };
  const [answer] = await Promise.all([take(gone), take(agent, { cpu_usage: 0.6 })]);
  expect(answer).toMatchObject({ drain: false, attempts: [] });
  expect(await rowOf(agent)).toMatchObject({ last_heartbeat: { cpu_usage: 0.6 } });
});
