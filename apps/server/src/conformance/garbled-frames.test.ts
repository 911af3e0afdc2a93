import { newId, sha256Hex } from '@groundcrew/kit';
import { SOCKETS } from '@groundcrew/protocol';
import { waitFor } from '@groundcrew/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { need, startWorld, type Values, type World } from './world-for-tests.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
const sockets: WebSocket[] = [];
afterAll(async () => {
  for (const socket of sockets) socket.terminate();
  await world.server.close();
});

async function open(path: string, token: string) {
  const url = world.server.url.replace('http', 'ws') + path;
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } });
  sockets.push(socket);
  const frames: Record<string, unknown>[] = [];
  const codes: number[] = [];
  socket.on('message', (data) => frames.push(JSON.parse(String(data)) as Record<string, unknown>));
  socket.on('close', (code) => codes.push(code));
  await waitFor(`${path} to open`, () => socket.readyState === WebSocket.OPEN);
  return { socket, frames, codes };
}

/** Frames with the right words in the wrong places, JSON of any kind, and text that is none. */
function garbledFrames(words: Record<string, readonly unknown[]>, seed: number): string[] {
  const values = fc.oneof(fc.constantFrom(...Object.values(words).flat()), fc.jsonValue({ maxDepth: 3 }));
  const fields = Object.fromEntries(
    Object.entries(words).map(([name, usual]) => [name, fc.oneof(fc.constantFrom(...usual), values)]),
  );
  const object = fc.record(fields, { requiredKeys: [] });
  const frame = fc.oneof(
    { arbitrary: fc.tuple(object, object).map(([head, payload]) => JSON.stringify({ ...head, payload })), weight: 4 },
    { arbitrary: object.map((flat) => JSON.stringify(flat)), weight: 4 },
    { arbitrary: fc.json(), weight: 1 },
    { arbitrary: fc.string({ unit: 'grapheme' }), weight: 1 },
    {
      arbitrary: fc.constantFrom('[', '{"type":"hello"', `${'['.repeat(20_000)}`, '"\\ud800"', '\u0000', '1e999'),
      weight: 1,
    },
  );
  return fc.sample(frame, { seed, numRuns: 400 });
}

test('whatever is said on the command socket, the next good word is answered', async () => {
  const { agent_id, agent_token } = (await need(world, 'an agent that has signed on')) as Record<string, string>;
  const { task_id, attempt_id } = (await need(world, 'an offer')) as Values;
  const { socket, frames, codes } = await open(`${SOCKETS.control}?agent_id=${agent_id}`, agent_token as string);
  const words = {
    type: ['hello', 'heartbeat', 'accept', 'reject', 'task_completed', 'task_failed', 'run_task', '__proto__'],
    id: ['a', '', 'x'.repeat(65)],
    agent_id: [agent_id, 'another'],
    attempt_id: [attempt_id, newId('att')],
    task_id: [task_id, newId('task')],
    secret_hash: [sha256Hex('x'), 'x'],
    reason: ['no', 'x'.repeat(600), '\u0000'],
    instance: [0, 1, -1, 2 ** 53, 1e300],
    attempts: [[], [attempt_id], ['x']],
    free_slots: [0, -1, 1e9],
    version: ['1', '\ud800'],
    exit_code: [0, null, 0.5],
    status: ['online', 'failed'],
    cpu_usage: [0.5, 7, -1],
    error_message: ['x', '\u0000'],
  };
  for (const frame of garbledFrames(words, 1)) socket.send(frame);
  socket.send(JSON.stringify({ type: 'heartbeat', id: 'the last one', payload: { agent_id } }));
  await waitFor('the answer', () =>
    frames.some(({ payload }) => (payload as { reply?: string } | undefined)?.reply === 'the last one'),
  );
  expect(codes).toEqual([]);
  // A fault of ours would be told as one.
  const refusals = frames.map(({ payload }) => (payload as { code?: string } | undefined)?.code);
  expect(refusals.filter((code) => code === 'internal')).toEqual([]);
});

test('whatever is said on the log socket, each word is answered, and the next good one is stored', async () => {
  const { task_id, attempt_token } = (await need(world, 'an attempt')) as Record<string, string>;
  const { socket, frames, codes } = await open(`${SOCKETS.agentLogs}?task_id=${task_id}`, attempt_token as string);
  const words = {
    phase: ['plan', 'apply', 'destroy'],
    offset: [0, 1, -1, 2 ** 53, 0.5],
    content: ['', 'a\n', '\ud800', '\u0000'],
    content_base64: ['YQo=', '?', ''],
    checksum: [sha256Hex('a\n'), 'x'],
    written_at: ['2026-01-31T12:00:00.000Z', 'yesterday'],
    task_id: [task_id, newId('task')],
    timestamp: ['2026-01-31T12:00:00.000Z', ''],
    line: ['a line', '', '\u0000', 'x'.repeat(100_000)],
  };
  const garbled = garbledFrames(words, 2);
  for (const frame of garbled) socket.send(frame);
  await waitFor('all answers', () => frames.length === garbled.length);
  expect(frames.filter(({ code }) => code === 'internal')).toEqual([]);
  const [{ next_offset: offset } = { next_offset: 0 }] = frames.filter(({ status }) => status === 'saved').slice(-1);
  socket.send(JSON.stringify({ phase: 'plan', offset, content: 'a\n', checksum: sha256Hex('a\n') }));
  await waitFor('the last answer', () => frames.length > garbled.length);
  expect(['saved', undefined]).toContain(frames.at(-1)?.status);
  expect(codes).toEqual([]);
});
