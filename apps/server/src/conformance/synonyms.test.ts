import { newId, newSecret, sha256Hex } from '@groundcrew/kit';
import { API_PREFIX, SOCKETS } from '@groundcrew/protocol';
import { waitFor } from '@groundcrew/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { readContract } from '../contract.ts';
import { type Answered, ask } from './ask-for-tests.ts';
import { findValueMistakes, typeOf } from './check-value-for-tests.ts';
import { parseContract } from './contract-file.ts';
import { findRefusalMistakes } from './refusal-for-tests.ts';
import { need, startWorld, type Values, type World } from './world-for-tests.ts';

const contract = parseContract(await readContract());
const messages = new Map(contract.messages.map((message) => [message.name, typeOf(message)]));
const mistakesOf = (value: unknown, name: string) =>
  findValueMistakes(value, { kind: 'message', name }, (found) => messages.get(found));

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
const sockets: WebSocket[] = [];
afterAll(async () => {
  for (const socket of sockets) socket.terminate();
  await world.server.close();
});

const call = (method: string, path: string, token: string, body?: unknown, headers = {}): Promise<Answered> =>
  ask(world, {
    method,
    path: API_PREFIX + path,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
const asOwner = (method: string, path: string, body?: unknown) => call(method, path, world.server.owner, body);
const jsonOf = async (answer: Promise<Answered>) => {
  const { status, json, text } = await answer;
  expect(status, text).toBeLessThan(300);
  return json as Record<string, unknown>;
};

describe('what may be said in several ways', () => {
  test.each([
    ['plan', 'plan'],
    ['plan_and_apply', 'plan_and_apply'],
    ['plan_apply', 'plan_and_apply'],
    ['plan+apply', 'plan_and_apply'],
  ])('the task type %s is %s', async (task_type, is) => {
    const { workspace_id } = await need(world, 'a workspace');
    expect(await jsonOf(asOwner('POST', '/tasks', { workspace_id, task_type }))).toMatchObject({ task_type: is });
  });

  test('the execution mode remote is agent', async () => {
    const body = { name: newId('it'), execution_mode: 'remote', agent_pool_id: world.poolId };
    expect(await jsonOf(asOwner('POST', '/workspaces', body))).toMatchObject({ execution_mode: 'agent' });
  });

  test('memory_usage is mem_usage, and where both are said the contract’s own name counts', async () => {
    const { id, agent_id, agent_token } = (await need(world, 'an agent that has signed on')) as Record<string, string>;
    const beat = (figures: object) =>
      jsonOf(call('POST', `/agents/${agent_id}/heartbeat`, agent_token as string, { agent_id, ...figures }));
    const last = async () => (await jsonOf(asOwner('GET', `/agents/${id}`))).last_heartbeat as object;
    await beat({ memory_usage: 0.25 });
    expect(await last()).toMatchObject({ mem_usage: 0.25 });
    expect(await last()).not.toHaveProperty('memory_usage');
    await beat({ memory_usage: 0.25, mem_usage: 0.5 });
    expect(await last()).toMatchObject({ mem_usage: 0.5 });
  });

  test.each([
    ['a workspace', 'POST', '/workspaces', { name: newId('it'), labels: { region: 'idc1' } }, 'labels'],
    ['a pool', 'POST', '/agent-pools', { name: newId('it'), labels: { region: 'idc1' } }, 'labels'],
    [
      "a pool's demands",
      'POST',
      '/agent-pools',
      { name: newId('it'), required_labels: { region: 'idc1' } },
      'required_labels',
    ],
    ['an agent', 'POST', '/agents', { name: newId('it'), labels: { region: 'idc1' } }, 'labels'],
  ])('labels of %s may be a map', async (_what, method, path, body, field) => {
    expect((await jsonOf(asOwner(method, path, body)))[field]).toEqual(['region=idc1']);
  });

  test('labels that an agent brings may be a map as well', async () => {
    const { registrant_token } = await need(world, 'a pool token');
    const agent_id = newId('host');
    const body = { name: agent_id, agent_id, labels: { region: 'idc1' } };
    await jsonOf(call('POST', '/agents/register', registrant_token as string, body));
    expect((await jsonOf(asOwner('GET', `/agents/${agent_id}`))).labels).toContain('region=idc1');
  });

  test.each(['', '/status', '/tasks', '/cc-status'])(
    'an agent%s is found by its record’s id and by the id it chose',
    async (suffix) => {
      const { id, agent_id } = await need(world, 'an agent that has signed on');
      const [byId, byName] = [
        await jsonOf(asOwner('GET', `/agents/${id}${suffix}`)),
        await jsonOf(asOwner('GET', `/agents/${agent_id}${suffix}`)),
      ];
      expect(byName).toEqual(byId);
    },
  );

  test('a workspace is found by its id and by its name', async () => {
    const { workspace_id, workspace_name } = await need(world, 'a workspace');
    const byName = await jsonOf(asOwner('GET', `/workspaces/${workspace_name}`));
    expect(byName.workspace_id).toBe(workspace_id);
  });
});

/** An agent that brings its own token everywhere, as those of other makes do; it has signed on once. */
async function prepareForeignMake(): Promise<Values> {
  const { id } = await need(world, 'a pool');
  const agent = await need(world, 'an agent');
  await jsonOf(asOwner('POST', `/agent-pools/${id}/agents`, { agent_id: agent.id }));
  const agent_id = newId('host');
  const token = agent.agent_token as string;
  await jsonOf(
    call('POST', '/agents/register', token, { name: agent_id, agent_id, capabilities: { installs_versions: true } }),
  );
  return { pool: id as string, agent_id, token };
}

function open(path: string, token: string) {
  const socket = new WebSocket(world.server.url.replace('http', 'ws') + path, {
    headers: { authorization: `Bearer ${token}` },
  });
  sockets.push(socket);
  const frames: Record<string, unknown>[] = [];
  let end: { code: number; reason: string } | undefined;
  socket.on('message', (data) => frames.push(JSON.parse(String(data)) as Record<string, unknown>));
  socket.on('close', (code, reason) => {
    end = { code, reason: String(reason) };
  });
  return {
    frames,
    end: () => waitFor(`the end of ${path}`, () => end),
    ready: () => waitFor(`${path} to open`, () => socket.readyState === WebSocket.OPEN),
    say: (frame: unknown) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
    next: (what: string, isIt: (frame: Record<string, unknown>) => boolean) => waitFor(what, () => frames.find(isIt)),
  };
}

describe('an agent of another make', () => {
  test('works with agt_… alone, from its heartbeat over a pulled offer to a status that ends the task', async () => {
    const { pool, agent_id, token } = (await prepareForeignMake()) as Record<string, string>;
    await jsonOf(call('POST', `/agents/${agent_id}/heartbeat`, token as string, { agent_id, memory_usage: 0.1 }));
    await jsonOf(call('POST', '/ping', token as string, { agent_id }));
    const { workspace_id } = await world.server.must('createWorkspace', world.server.owner, {
      body: { name: newId('it'), execution_mode: 'agent', agent_pool_id: pool, tf_code: 'output "a" { value = 1 }' },
    });
    const task = await jsonOf(asOwner('POST', '/tasks', { workspace_id, task_type: 'plan' }));
    await call('POST', '/tasks/pull', token as string, { wait_seconds: 0 });
    await world.server.modules.tasks.dispatcher.pass();
    const offer = await jsonOf(call('POST', '/tasks/pull', token as string, { wait_seconds: 5 }));
    expect(offer).toMatchObject({ task_id: task.id, action: 'plan', tf_json: {}, variables: {}, state_json: {} });
    const attempt_id = (offer.attempt as { id: string }).id;
    const secret = newSecret();
    const accept = { attempt_id, secret_hash: sha256Hex(secret) };
    await jsonOf(call('POST', `/agents/tasks/${task.id}/accept`, token as string, accept));
    const act = (method: string, path: string, body?: unknown) =>
      call(method, `/agents/tasks/${task.id}${path}`, `att_${secret}`, body);
    expect(mistakesOf(await jsonOf(act('GET', '/data')), 'TaskData')).toEqual([]);
    for (const stage of ['fetching', 'init', 'planning'])
      await jsonOf(act('PUT', '/status', { status: 'running', stage, from_the_future: true }));
    const chunk = { phase: 'plan', offset: 0, content: 'no\n', checksum: sha256Hex('no\n') };
    await jsonOf(act('POST', '/logs/chunk', chunk));
    const failed = { status: 'failed', exit_code: 1, duration: 3, error_message: 'no such provider' };
    await jsonOf(act('PUT', '/status', failed));
    expect(await jsonOf(asOwner('GET', `/tasks/${task.id}`))).toMatchObject({ status: 'failed' });
    // What ended stays ended.
    expect(findRefusalMistakes(contract, await act('PUT', '/status', { status: 'running' }), 'fenced')).toEqual([]);
    expect((await jsonOf(act('POST', '/logs/chunk', chunk))).next_offset).toBe(3);
  });

  test('is served on the command socket by agt_…', async () => {
    const { agent_id, token } = (await prepareForeignMake()) as Record<string, string>;
    const socket = open(`${SOCKETS.control}?agent_id=${agent_id}`, token as string);
    await socket.ready();
    const hello = { agent_id, instance: 1, version: '1', attempts: [], free_slots: 1 };
    socket.say({ type: 'hello', id: 'a', payload: hello });
    const acknowledged = await socket.next('hello_ack', ({ type }) => type === 'hello_ack');
    expect(mistakesOf(acknowledged, 'ServerFrame')).toEqual([]);
    socket.say({ type: 'heartbeat', id: 'b', payload: { agent_id, memory_usage: 0.5, from_the_future: 1 }, more: 1 });
    const beat = await socket.next('heartbeat_ack', ({ type }) => type === 'heartbeat_ack');
    expect(mistakesOf(beat, 'ServerFrame')).toEqual([]);
    expect(beat).toMatchObject({ payload: { reply: 'b' } });
    // What has no id is left unanswered; what is not understood and what belongs to nobody is refused, by the frame's id.
    socket.say('rubbish');
    socket.say({ type: 'from_the_future', id: 'c', payload: {} });
    const unknown = { task_id: newId('task'), attempt_id: newId('att'), secret_hash: sha256Hex('x') };
    socket.say({ type: 'accept', id: 'd', payload: unknown });
    await socket.next('the last refusal', ({ payload }) => (payload as { reply?: string }).reply === 'd');
    const refusals = socket.frames.filter(({ type }) => type === 'refused');
    for (const refused of refusals) expect(mistakesOf(refused, 'ServerFrame')).toEqual([]);
    expect(refusals).toMatchObject([
      { payload: { reply: 'c', code: 'invalid_request' } },
      { payload: { reply: 'd', code: 'not_found' } },
    ]);
  });
});

describe('the sockets of logs and events', () => {
  test('a log is uploaded as chunks or as single lines, both into the same store, and followed from an offset', async () => {
    const { task_id, attempt_token } = (await need(world, 'an attempt')) as Record<string, string>;
    const upload = open(`${SOCKETS.agentLogs}?task_id=${task_id}&stream_mode=auto`, attempt_token as string);
    await upload.ready();
    upload.say({ phase: 'plan', offset: 0, content: 'a chunk\n', checksum: sha256Hex('a chunk\n') });
    await waitFor('the chunk', () => upload.frames.length === 1);
    upload.say({ task_id, timestamp: '2026-01-31T12:00:00.000Z', level: 'info', line: 'a line', offset: 0 });
    upload.say({ task_id, timestamp: '2026-01-31T12:00:00.000Z', level: 'NOTICE', line: 'another' });
    upload.say('no frame at all');
    upload.say({ phase: 'plan', offset: 99, content: 'x', checksum: sha256Hex('x') });
    upload.say({ phase: 'plan', offset: 23, content: 'x', checksum: sha256Hex('y') });
    await waitFor('all answers', () => upload.frames.length === 6);
    expect(upload.frames).toMatchObject([
      { status: 'saved', next_offset: 8, saved_bytes: 8 },
      { status: 'saved', next_offset: 15, saved_bytes: 7 },
      { status: 'saved', next_offset: 23, saved_bytes: 8 },
      { code: 'invalid_request' },
      { code: 'offset_mismatch', details: { next_offset: 23 } },
      { code: 'checksum_mismatch' },
    ]);
    const text = await call('GET', `/tasks/${task_id}/logs`, world.server.owner, undefined, { accept: 'text/plain' });
    expect([text.status, text.text]).toEqual([200, 'a chunk\na line\nanother\n']);
    const part = await call('GET', `/tasks/${task_id}/logs`, world.server.owner, undefined, {
      accept: 'text/plain',
      range: 'bytes=2-6',
    });
    expect([part.status, part.text]).toEqual([206, 'chunk']);
    const viewer = open(`${SOCKETS.viewerLogs}?task_id=${task_id}&phase=plan&offset=8`, world.server.owner);
    const shown = await viewer.next('the lines', ({ type }) => type === 'lines');
    expect(shown).toMatchObject({ offset: 8, lines: [{ line: 'a line', offset: 8 }] });
    const second = await viewer.next('the next line', ({ offset }) => offset === 15);
    expect(second).toMatchObject({ next_offset: 23, lines: [{ line: 'another', offset: 15 }] });
    for (const frame of viewer.frames) expect(mistakesOf(frame, 'ViewerFrame')).toEqual([]);
  });

  test('changes are told with their number', async () => {
    const socket = open(SOCKETS.events, world.server.owner);
    await socket.next('ready', ({ type }) => type === 'ready');
    const { workspace_id } = await need(world, 'a workspace');
    await socket.next('the change', ({ event }) => (event as { id?: string } | undefined)?.id === workspace_id);
    for (const frame of socket.frames) expect(mistakesOf(frame, 'EventFrame')).toEqual([]);
  });

  test.each(Object.values(SOCKETS))('%s is refused like a call, with the code in the answer', async (path) => {
    const { task_id } = await need(world, 'a task that waits');
    const query = path === SOCKETS.control ? 'agent_id=a' : `task_id=${task_id}`;
    const knock = (search: string, token: string) =>
      new Promise<Answered>((resolve) => {
        const url = `${world.server.url.replace('http', 'ws')}${path}?${search}`;
        const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } });
        sockets.push(socket.on('error', () => {}));
        socket.once('unexpected-response', async (_request, response) => {
          const text = Buffer.concat(await response.toArray()).toString();
          const headers = new Headers(response.headers as Record<string, string>);
          resolve({ status: response.statusCode ?? 0, headers, text, json: JSON.parse(text) });
        });
      });
    expect(findRefusalMistakes(contract, await knock(query, 'gct_nobody'), 'unauthenticated')).toEqual([]);
    const bad = path === SOCKETS.events ? 'after=x' : '';
    expect(findRefusalMistakes(contract, await knock(bad, world.server.owner), 'invalid_request')).toEqual([]);
  });
});
