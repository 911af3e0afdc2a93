import { once } from 'node:events';
import { connect as connectTcp, createServer } from 'node:net';
import { createLogger, systemClock } from '@groundcrew/kit';
import { waitFor } from '@groundcrew/testkit';
import { expect, onTestFinished, test } from 'vitest';
import type { Reloaded } from '../configuration/index.ts';
import { factsWith } from './facts-for-tests.ts';
import { createLocalHttp } from './local-http.ts';

const TOKEN = 'a-token-of-enough-length';

async function start(given: Partial<Parameters<typeof createLocalHttp>[0]> = {}) {
  const lines: string[] = [];
  const leaving = new AbortController();
  const http = createLocalHttp({
    listen: '127.0.0.1:0',
    isDefault: true,
    olderLives: () => false,
    facts: () => factsWith(),
    reload: () => ({ kind: 'reloaded', changed: ['labels'], restartNeeded: [] }),
    token: () => TOKEN,
    clock: systemClock,
    logger: createLogger({ name: 'test', destination: { write: (line) => void lines.push(line) } }),
    signal: leaving.signal,
    ...given,
  });
  onTestFinished(() => {
    leaving.abort();
    http.close();
  });
  const opened = http.open();
  if (given.isDefault !== false && !given.olderLives) await opened;
  return { http, lines, ask: (path: string, init?: RequestInit) => fetch(`http://${http.address()}${path}`, init) };
}

test('health is 200 or 503, metrics are JSON or text, and every answer is of its kind', async () => {
  let facts = factsWith();
  const { ask } = await start({ facts: () => facts });
  const health = await ask('/health?probe=1');
  expect([health.status, await health.json()]).toEqual([200, expect.objectContaining({ status: 'healthy' })]);
  facts = factsWith({ unhealthy: 'the server is away' });
  expect((await ask('/health')).status).toBe(503);
  expect((await ask('/health', { method: 'HEAD' })).status).toBe(503);
  expect(await (await ask('/metrics')).json()).toMatchObject({ heartbeat_count: 5 });
  const text = await ask('/metrics', { headers: { accept: 'text/plain' } });
  expect(text.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await text.text()).toContain('iac_agent_local_status{');
  expect((await ask('/elsewhere')).status).toBe(404);
  const wrong = await ask('/health', { method: 'DELETE' });
  expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET']);
});

test.each<[number, boolean, Reloaded]>([
  [200, true, { kind: 'reloaded', changed: ['labels'], restartNeeded: ['state_file'] }],
  [400, false, { kind: 'refused', message: 'The configuration has a mistake: …' }],
  [500, false, { kind: 'failed', message: 'The disk is gone.' }],
])('a reload is %s', async (status, success, outcome) => {
  const { ask } = await start({ reload: () => outcome });
  const answer = await ask('/reload', { method: 'POST', body: 'whatever' });
  expect(answer.status).toBe(status);
  expect(await answer.json()).toMatchObject({
    success,
    message: expect.any(String),
    reloaded_at: expect.stringMatching(/Z$/),
    restart_needed: outcome.kind === 'reloaded' ? ['state_file'] : [],
  });
});

test('a wrong token is refused even here; what breaks inside is a 500', async () => {
  const { ask, lines } = await start({
    facts: () => {
      throw new Error('broken');
    },
  });
  const answer = await ask('/reload', { method: 'POST', headers: { authorization: 'Bearer wrong' } });
  expect(answer.status).toBe(401);
  expect((await ask('/health')).status).toBe(500);
  expect(lines.join()).toContain('broken');
});

test('connections that say nothing, nonsense or too much are ended, and others are answered meanwhile', async () => {
  const { http, ask } = await start();
  const [host, port] = (http.address() ?? '').split(':') as [string, string];
  const open = (text: string) => {
    const socket = connectTcp({ host, port: Number(port) });
    socket.on('error', () => {}).resume();
    socket.write(text);
    return once(socket, 'close');
  };
  const nonsense = open('nonsense\r\n\r\n');
  const tooMuch = open(`GET /health HTTP/1.1\r\nx: ${'y'.repeat(20_000)}`);
  for (let n = 0; n < 20; n += 1) void open('GET /hea');
  expect((await ask('/health')).status).toBe(200);
  await Promise.all([nonsense, tooMuch]);
});

async function takeAddress() {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  onTestFinished(() => void holder.close());
  const { port } = holder.address() as { port: number };
  return { listen: `127.0.0.1:${port}`, giveBack: () => new Promise((resolve) => holder.close(resolve)) };
}

test('the default address, taken: one clear warning, and the agent does without', async () => {
  const { listen } = await takeAddress();
  const { http, lines } = await start({ listen });
  expect(http.address()).toBeUndefined();
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'warn',
    msg: `http.listen ${listen} is taken by another program; this agent works without, give it another address or "off"`,
  });
});

test('an address of its own, taken: an error, and it is had as soon as it is free', { timeout: 15_000 }, async () => {
  const { listen, giveBack } = await takeAddress();
  const { http, lines } = await start({ listen, isDefault: false });
  await waitFor('the error', () => lines.find((line) => line.includes('"error"')));
  await giveBack();
  await waitFor('the address', () => http.address());
  expect(http.address()).toBe(listen);
});

test('an older instance has the address: it is waited for in peace, default or not', { timeout: 15_000 }, async () => {
  const { listen, giveBack } = await takeAddress();
  let olderLives = true;
  const { http, lines } = await start({ listen, olderLives: () => olderLives });
  await waitFor('the word', () => lines.length > 0);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', msg: expect.stringContaining('older instance') });
  await giveBack();
  olderLives = false;
  await waitFor('the address', () => http.address());
});

test('an older instance that goes while the address is asked for is no reason to do without', {
  timeout: 15_000,
}, async () => {
  const { listen, giveBack } = await takeAddress();
  let olderLives = true;
  const { http, lines } = await start({ listen, olderLives: () => olderLives });
  olderLives = false;
  await waitFor('the word', () => lines.length > 0 || undefined);
  await giveBack();
  await waitFor('the address', () => http.address());
  expect(lines.join()).not.toContain('works without');
});

test('figures that cannot be told are a 500, and the next question is answered', async () => {
  let facts = factsWith();
  const { ask, lines } = await start({ facts: () => facts });
  const text = { headers: { accept: 'text/plain' } };
  facts = { ...facts, report: undefined as never };
  expect((await ask('/metrics', text)).status).toBe(500);
  expect(lines.join()).toContain('could not be answered');
  facts = factsWith();
  expect((await ask('/metrics', text)).status).toBe(200);
});
