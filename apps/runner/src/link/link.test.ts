import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createFakeClock, createLogger, type FakeClock } from '@groundcrew/kit';
import type { RunnerTask } from '@groundcrew/protocol';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createWishes } from '../lease/index.ts';
import { ABANDONED_AFTER_MS } from './agent-side.ts';
import { type AgentSide, openAgentSide, type ServerAddress } from './index.ts';

const task = {
  attempt_id: 'att-aaaaaaaa',
  task_id: 'task-aaaaaaaa',
  workspace_id: 'ws-aaaaaaaa',
  action: 'plan',
  epoch: 1,
  tool: 'terraform',
  terraform_version: null,
  written_at: 'now',
} as RunnerTask;
const logger = createLogger({ name: 'test', level: 'silent' });

let dir: string;
let clock: FakeClock;
let side: AgentSide;
let stage: 'init' | undefined;
let change: () => void;
let found: RunnerTask | undefined;
let offers: RunnerTask[];
let told: ServerAddress[];
const wishes = createWishes();
const sockets: Socket[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gc-runner-link-'));
  clock = createFakeClock();
  stage = undefined;
  found = undefined;
  offers = [];
  told = [];
  const standing = {
    get stage() {
      return stage;
    },
    progress: undefined,
    onChange: (listener: () => void) => {
      change = listener;
    },
  };
  side = await openAgentSide({
    path: join(dir, 'sock'),
    version: '1.2.3',
    wishes,
    standing,
    onOffered: (task) => offers.push(task),
    findTask: async () => found,
    onServer: (address) => {
      if (address.server_url === '') throw new TypeError('no address');
      told.push(address);
    },
    clock,
    logger,
  });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await side.close();
  await rm(dir, { recursive: true, force: true });
});

/** An agent: what it hears, one document a line. */
async function attach() {
  const socket = connect({ path: join(dir, 'sock') });
  sockets.push(socket.on('error', () => {}));
  const reader = createInterface({ input: socket });
  reader.on('error', () => {});
  const lines = reader[Symbol.asyncIterator]();
  const hear = async () => JSON.parse((await lines.next()).value ?? 'null');
  return { socket, hear, say: (message: unknown) => socket.write(`${JSON.stringify(message)}\n`) };
}

it('greets whoever attaches with what there is to know', async () => {
  expect(await (await attach()).hear()).toEqual({
    type: 'hello',
    link_version: 3,
    pid: process.pid,
    version: '1.2.3',
    attempt_id: null,
    action: null,
  });
  side.take(task);
  stage = 'init';
  const second = await attach();
  expect(await second.hear()).toMatchObject({ attempt_id: task.attempt_id, action: 'plan' });
  expect(await second.hear()).toEqual({ type: 'progress', attempt_id: task.attempt_id, stage: 'init', progress: null });
  change();
  expect(await second.hear()).toMatchObject({ type: 'progress' });
});

it('passes on what the agent was told, and survives nonsense', async () => {
  const agent = await attach();
  await agent.hear();
  agent.socket.write('nonsense\n{"type":"unheard_of"}\n\n');
  agent.say({ type: 'cancel', level: 2 });
  agent.say({ type: 'watched', watched: true, log_interval_ms: 50 });
  agent.say({ type: 'offered', task });
  agent.say({ type: 'assigned', task });
  expect(await side.waitForTask()).toEqual(task);
  expect(offers).toEqual([task]);
  expect(wishes).toMatchObject({ cancelLevel: 2, watched: true, logIntervalMs: 50 });
});

it('finds by itself the task that a dead agent left, once somebody says hello', async () => {
  const agent = await attach();
  found = task;
  agent.say({ type: 'hello', link_version: 1 });
  expect(await side.waitForTask()).toEqual(task);
});

it('survives an agent that dies in the middle of everything', async () => {
  for (let i = 0; i < 20; i += 1) {
    const agent = await attach();
    agent.socket.write('{"type":"ca');
    change();
    agent.socket.destroy();
  }
  expect(await (await attach()).hear()).toMatchObject({ type: 'hello' });
});

it('is not needed when the agent says so', async () => {
  (await attach()).say({ type: 'leave' });
  expect(await side.waitForTask()).toBeUndefined();
});

it('is not needed when nobody came for a while, but is while somebody is there', async () => {
  const agent = await attach();
  await agent.hear();
  await clock.advance(10 * ABANDONED_AFTER_MS);
  agent.socket.destroy();
  let over = false;
  void side.waitForTask().then(() => {
    over = true;
  });
  while (clock.sleeping === 0) await new Promise(setImmediate);
  await clock.advance(ABANDONED_AFTER_MS - 1);
  expect(over).toBe(false);
  await clock.advance(1);
  expect(over).toBe(true);
});

it('closes for an agent that reads as well as for one that does not', async () => {
  const reader = await attach();
  await reader.hear();
  const deaf = connect({ path: join(dir, 'sock') });
  sockets.push(deaf.pause().on('error', () => {}));
  await new Promise((resolve) => deaf.once('connect', resolve));
  side.take(task);
  for (let i = 0; i < 20_000; i += 1) change();
  side.send({
    type: 'ended',
    attempt_id: task.attempt_id,
    result: 'succeeded',
    exit_code: 0,
    duration: 1,
    error_message: null,
  });
  const closed = side.close();
  let last: { type?: string } = {};
  for (let message = await reader.hear(); message !== null; message = await reader.hear()) last = message;
  expect(last.type).toBe('ended');
  await closed;
});

it('hears where the server is now, and stays where it is when that is no address', async () => {
  const agent = await attach();
  await agent.hear();
  const moved = { server_url: 'https://new.example.com', ca_file: null, allow_insecure: false };
  agent.say({ type: 'server', ...moved, server_url: '' });
  agent.say({ type: 'server', ...moved });
  agent.say({ type: 'leave' });
  await side.waitForTask();
  expect(told).toEqual([moved]);
});

it('understands an agent of the first version, word for word', async () => {
  const agent = await attach();
  await agent.hear();
  agent.socket.write('{"type":"hello","link_version":1}\n');
  agent.socket.write('{"type":"watched","watched":true}\n{"type":"cancel","level":1}\n');
  agent.socket.write(`{"type":"assigned","task":${JSON.stringify(task)}}\n`);
  expect(await side.waitForTask()).toEqual(task);
  expect(wishes.cancelLevel).toBeGreaterThanOrEqual(1);
});
