import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { beat, register } from '../agents/agent-calls-for-tests.ts';
import {
  type LiveServer,
  makeAgent,
  makeCrew,
  makeTask,
  makeWorkspace,
  startLiveServer,
  type TestAgent,
} from '../tasks/live-server-for-tests.ts';
import { findDoorObstacle } from './pool.ts';

let server: LiveServer;
beforeAll(async () => {
  server = await startLiveServer();
});
afterAll(() => server.close());

const tokensOf = async (id: string) => (await server.must('listPoolTokens', server.owner, { params: { id } })).items;
const rotate = (id: string, token_id: string, body: Record<string, unknown>) =>
  server.call('rotatePoolToken', server.owner, { params: { id, token_id }, body });

describe('a token that is rotated', () => {
  test('counts beside its successor for the overlap, then no more; nobody is cut off before', async () => {
    const { pool, token: old } = await makeCrew(server, 0);
    const agent = (await register(server, old, 'rotated-1')).body;
    const [{ id: oldId } = { id: '' }] = await tokensOf(pool.id);
    const fresh = await rotate(pool.id, oldId, { overlap_seconds: 600 });
    expect(fresh.status).toBe(201);
    expect(fresh.body).toMatchObject({
      token: expect.stringMatching(/^apt_/),
      rotated_from: oldId,
      agents: 0,
      name: 'crew',
    });
    expect((await tokensOf(pool.id)).map(({ id, agents }) => [id, agents])).toEqual([
      [fresh.body.id, 0],
      [oldId, 1],
    ]);
    expect((await beat(server, { token: agent.token, agentId: 'rotated-1' })).status).toBe(200);
    expect((await register(server, old, 'rotated-2')).status).toBe(200);
    expect((await register(server, fresh.body.token, 'rotated-1')).body.id).toBe(agent.id);
    await server.db
      .updateTable('pool_tokens')
      .set({ expires_at: new Date(0) })
      .where('id', '=', oldId)
      .execute();
    expect((await register(server, old, 'rotated-3')).status).toBe(401);
    // What was signed on with the old one ends with it, though its JWT has time left; what was renewed goes on.
    expect((await beat(server, { token: agent.token, agentId: 'rotated-1' })).status).toBe(401);
    const { token } = (await register(server, fresh.body.token, 'rotated-1')).body;
    expect((await beat(server, { token, agentId: 'rotated-1' })).status).toBe(200);
    expect((await rotate(pool.id, oldId, {})).body).toMatchObject({
      code: 'conflict',
      error: expect.stringContaining('has run out'),
    });
  });

  test('without an overlap the old one stops at once', async () => {
    const { pool, token: old } = await makeCrew(server, 0);
    const agent = (await register(server, old, 'at-once')).body;
    const [{ id: oldId } = { id: '' }] = await tokensOf(pool.id);
    expect((await rotate(pool.id, oldId, { overlap_seconds: 0 })).status).toBe(201);
    expect((await register(server, old, 'at-once')).status).toBe(401);
    expect((await beat(server, { token: agent.token, agentId: 'at-once' })).status).toBe(401);
  });

  test('never lives longer than it would have; bad overlaps and foreign tokens are refused', async () => {
    const { pool } = await makeCrew(server, 0);
    const [{ id } = { id: '' }] = await tokensOf(pool.id);
    const soon = new Date(Date.now() + 60_000);
    await server.db.updateTable('pool_tokens').set({ expires_at: soon }).where('id', '=', id).execute();
    await rotate(pool.id, id, { overlap_seconds: 86_400 });
    expect((await tokensOf(pool.id)).find((one) => one.id === id)?.expires_at).toBe(soon.toISOString());
    expect((await rotate(pool.id, id, { overlap_seconds: -1 })).status).toBe(400);
    expect((await rotate(pool.id, id, { overlap_seconds: 2_592_001 })).status).toBe(400);
    const other = await makeCrew(server, 0);
    expect((await rotate(other.pool.id, id, {})).status).toBe(404);
  });
});

describe('who gets in', () => {
  const door = { name: 'vault', pool_type: 'dynamic' as const, required_labels: ['gpu', 'eu'] };
  test.each([
    ['whoever carries the labels', door, ['gpu', 'eu', 'x'], undefined],
    ['not who lacks one', door, ['gpu'], /^Pool vault takes agents that carry gpu, eu, and a lacks eu;/],
    ['a pool that requires nothing', { ...door, required_labels: [] }, [], undefined],
    [
      'not into a static pool',
      { ...door, pool_type: 'static' as const },
      ['gpu', 'eu'],
      /^Pool vault takes listed members only, and a is none;/,
    ],
  ])('%s', (_, given, labels, sentence) => {
    const obstacle = findDoorObstacle(given, { agent_id: 'a', labels });
    if (sentence === undefined) expect(obstacle).toBeUndefined();
    else expect(obstacle).toMatch(sentence);
  });

  test('a static pool takes listed members with its token or their own, and nobody else', async () => {
    const { pool, token } = await makeCrew(server, 0);
    await server.must('updatePool', server.owner, { params: { id: pool.id }, body: { pool_type: 'static' } });
    const stranger = await register(server, token, 'stranger');
    expect(stranger.body).toMatchObject({
      code: 'not_admitted',
      error: expect.stringContaining('listed members only'),
    });
    const homeless = await server.must('createAgent', server.owner, { body: { name: 'homeless' } });
    expect((await register(server, homeless.token, 'homeless')).body).toMatchObject({ code: 'not_admitted' });
    const own = await server.must('createAgent', server.owner, { body: { name: 'with-own', pool_id: pool.id } });
    expect((await register(server, own.token, 'with-own')).status).toBe(200);
    const listed = await server.must('createAgent', server.owner, {
      body: { name: 'listed', pool_id: pool.id, agent_id: 'listed-1' },
    });
    expect((await register(server, token, 'listed-1')).body.id).toBe(listed.id);
    // From now on it is that machine.
    expect((await register(server, token, 'listed-1', { machine_id: 'm2' })).body).toMatchObject({ code: 'conflict' });
    expect(
      (await server.call('createAgent', server.owner, { body: { name: 'again', agent_id: 'listed-1' } })).body,
    ).toMatchObject({ code: 'name_taken' });
    // One with a token of its own is nobody else's to take over.
    expect((await register(server, token, 'with-own')).body).toMatchObject({ code: 'name_taken' });
    expect((await server.must('getPool', server.owner, { params: { id: pool.id } })).agent_ids).toEqual([
      own.id,
      listed.id,
    ]);
  });

  test('a dynamic pool takes whoever carries its labels; a member that lost one stays, and is given nothing', async () => {
    const { pool, token } = await makeCrew(server, 0);
    const required = (labels: string[]) =>
      server.must('updatePool', server.owner, { params: { id: pool.id }, body: { required_labels: labels } });
    await required(['gpu']);
    expect((await register(server, token, 'plain')).body).toMatchObject({
      code: 'not_admitted',
      error: expect.stringContaining('lacks gpu'),
    });
    expect((await register(server, token, 'gpu-host', { labels: { gpu: '' } })).status).toBe(409);
    const capabilities = { installs_versions: true };
    expect((await register(server, token, 'gpu-host', { labels: ['gpu'], capabilities })).status).toBe(200);
    await required(['gpu', 'eu']);
    expect((await register(server, token, 'gpu-host', { labels: ['gpu'], capabilities })).status).toBe(200);
    const task = await makeTask(server, (await makeWorkspace(server, pool.id)).workspace_id);
    const { agents } = await server.must('explainTask', server.owner, { params: { task_id: task.id } });
    expect(agents).toMatchObject([
      { name: 'gpu-host', reason: 'label_missing', message: 'It does not carry the label eu.' },
    ]);
  });
});

describe('removing', () => {
  test('a pool that is in use is refused with who uses it; unused it goes, with its tokens', async () => {
    const { pool, token, agents } = await makeCrew(server);
    const { workspace_id, name } = await makeWorkspace(server, pool.id);
    const { id } = await makeTask(server, workspace_id);
    const remove = () => server.call('deletePool', server.owner, { params: { id: pool.id } });
    expect((await remove()).body).toMatchObject({
      code: 'in_use',
      error: expect.stringContaining(`agent ${agents[0]?.agentId}`),
    });
    await server.must('removePoolAgent', server.owner, { params: { id: pool.id, agent_id: agents[0]?.id ?? '' } });
    expect((await remove()).body.error).toContain(`workspace ${name}`);
    await server.must('updateWorkspace', server.owner, {
      params: { workspace_id },
      body: { execution_mode: 'server', agent_pool_id: null },
    });
    expect((await remove()).body.error).toContain(`task ${id}`);
    await server.must('cancelTask', server.owner, { params: { task_id: id }, body: {} });
    expect((await remove()).status).toBe(204);
    expect((await register(server, token, 'too-late')).status).toBe(401);
    expect((await remove()).status).toBe(404);
  });

  test('an agent that signs on while its pool is removed gets in or is refused, and the pool knows', async () => {
    for (let n = 0; n < 5; n += 1) {
      const { pool, token } = await makeCrew(server, 0);
      const [signed, removed] = await Promise.all([
        register(server, token, `racer-${n}`),
        server.call('deletePool', server.owner, { params: { id: pool.id } }),
      ]);
      expect([
        [200, 409],
        [401, 204],
        [409, 204],
      ]).toContainEqual([signed.status, removed.status]);
    }
  });

  test('a busy agent is refused with one sentence; with force it goes', async () => {
    const { pool, agents } = await makeCrew(server);
    const [agent] = agents as [TestAgent];
    await makeTask(server, (await makeWorkspace(server, pool.id)).workspace_id);
    const remove = (query: Record<string, string>) =>
      server.call('deleteAgent', server.owner, { params: { id: agent.id }, query });
    expect((await remove({})).body).toMatchObject({
      code: 'in_use',
      error: `Agent ${agent.agentId} has 1 attempt under way; drain it and wait, or remove it with force.`,
    });
    expect((await remove({ force: 'true' })).status).toBe(204);
    expect((await beat(server, agent)).status).toBe(401);
    // Forgotten, it may come again as a new one.
    const { token } = await server.must('createPoolToken', server.owner, { params: { id: pool.id }, body: {} });
    expect((await makeAgent(server, token, agent.agentId)).id).not.toBe(agent.id);
  });
});
