import { createServer, type IncomingMessage } from 'node:http';
import { createLogger, systemClock } from '@groundcrew/kit';
import { SOCKETS } from '@groundcrew/protocol';
import { type Listening, listenOnLoopback, waitFor } from '@groundcrew/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { AppError, createClientAddress } from '../http/index.ts';
import { toCloseReason } from './close-reason.ts';
import type { Connection } from './connection.ts';
import { createSocketHub, type SocketHub, type SocketHubOptions, type SocketSpec } from './socket-hub.ts';

let hub: SocketHub;
let listening: Listening;
const clients: WebSocket[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.terminate();
  await hub.close();
  await listening.close();
});

async function start(
  spec: Partial<SocketSpec<never, unknown>>,
  options: Partial<SocketHubOptions> = {},
): Promise<void> {
  hub = createSocketHub({
    logger: createLogger({ name: 'test', level: 'silent' }),
    clock: systemClock,
    clientAddress: createClientAddress(() => false),
    ...options,
  });
  hub.register('/ws/test', { authenticate: async ({ token }) => token, onConnection: () => {}, ...spec } as SocketSpec<
    unknown,
    unknown
  >);
  const server = createServer((_request, response) => response.end());
  hub.attach(server);
  listening = await listenOnLoopback(server);
}

function open(path = '/ws/test', headers: Record<string, string> = {}): WebSocket {
  const client = new WebSocket(`${listening.url.replace('http', 'ws')}${path}`, { headers });
  client.on('error', () => {});
  clients.push(client);
  return client;
}

const closed = (client: WebSocket) =>
  new Promise<{ code: number; reason: string }>((resolve) =>
    client.once('close', (code, reason) => resolve({ code, reason: String(reason) })),
  );
const refused = (client: WebSocket) =>
  new Promise<{ status: number | undefined; body: { code: string; error: string; details?: unknown } }>((resolve) =>
    client.once('unexpected-response', async (_request, response: IncomingMessage) => {
      const chunks = await response.toArray();
      resolve({ status: response.statusCode, body: JSON.parse(Buffer.concat(chunks).toString()) });
    }),
  );
/** Takes no more bytes off the connection; has no effect before it is open. */
async function stopReading(client: WebSocket): Promise<void> {
  await waitFor('the peer to be open', () => client.readyState === WebSocket.OPEN);
  client.pause();
}

const messages = (client: WebSocket): string[] => {
  const all: string[] = [];
  client.on('message', (data) => all.push(String(data)));
  return all;
};

describe('opening', () => {
  test('the caller comes from the bearer and the query is checked', async () => {
    const opened = Promise.withResolvers<unknown[]>();
    await start({
      query: z.object({ offset: z.coerce.number() }) as never,
      onConnection: (_connection, caller, query) => opened.resolve([caller, query]),
    });
    open('/ws/test?offset=7&more=1', { authorization: 'Bearer mine' });
    expect(await opened.promise).toEqual(['mine', { offset: 7 }]);
  });

  test.each([
    ['/ws/other', 404, 'not_found'],
    ['/ws/test', 400, 'invalid_request'],
    ['/ws/test?offset=1', 403, 'forbidden'],
    ['/ws/test?offset=2', 500, 'internal'],
  ])('a refusal is an ordinary answer: %s', async (path, status, code) => {
    await start({
      query: z.object({ offset: z.coerce.number() }) as never,
      authenticate: async ({ query }: { query: { offset: number } }) => {
        throw query.offset === 1 ? new AppError('forbidden', 'You may not.') : new Error('a fault');
      },
    } as never);
    const answer = await refused(open(path));
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.body.error).not.toContain('a fault');
  });

  test('a peer that leaves while it is looked up opens nothing', async () => {
    const looking = Promise.withResolvers<void>();
    const found = Promise.withResolvers<void>();
    let opened = 0;
    await start({
      authenticate() {
        looking.resolve();
        return found.promise;
      },
      onConnection() {
        opened += 1;
      },
    });
    const client = open();
    await looking.promise;
    client.terminate();
    await new Promise((resolve) => setTimeout(resolve, 20));
    found.resolve();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([opened, hub.size]).toEqual([0, 0]);
  });

  test('two modules cannot have the same address', async () => {
    await start({});
    expect(() => hub.register('/ws/test', { authenticate: async () => undefined, onConnection: () => {} })).toThrow(
      'registered twice',
    );
    expect(new Set(Object.values(SOCKETS)).size).toBe(Object.values(SOCKETS).length);
  });
});

describe('messages', () => {
  test('arrive in order, one handler at a time, however fast they come', async () => {
    const seen: number[] = [];
    let atOnce = 0;
    let most = 0;
    await start({
      onConnection: (connection) =>
        connection.onMessage(async (text) => {
          atOnce += 1;
          most = Math.max(most, atOnce);
          await new Promise((resolve) => setImmediate(resolve));
          seen.push(Number(text));
          atOnce -= 1;
        }),
    });
    const client = open();
    await new Promise((resolve) => client.once('open', resolve));
    for (let i = 0; i < 500; i += 1) client.send(String(i));
    await waitFor('all messages', () => seen.length === 500);
    expect(seen).toEqual(Array.from({ length: 500 }, (_, i) => i));
    expect(most).toBe(1);
  });

  test('a handler that throws closes the link with a word, and only that one', async () => {
    await start({ onConnection: (connection) => connection.onMessage((text) => Promise.reject(new Error(text))) });
    const [first, second] = [open(), open()];
    await Promise.all([first, second].map((client) => new Promise((resolve) => client?.once('open', resolve))));
    first.send('boom');
    expect(await closed(first)).toMatchObject({ code: 1011 });
    expect(second.readyState).toBe(WebSocket.OPEN);
  });

  test('binary and oversized messages are refused', async () => {
    await start({ maxMessageBytes: 1_000, onConnection: (connection) => connection.onMessage(() => {}) });
    const [binary, large] = [open(), open()];
    binary.once('open', () => binary.send(Buffer.from('x')));
    large.once('open', () => large.send('x'.repeat(2_000)));
    expect((await closed(binary)).code).toBe(1003);
    expect((await closed(large)).code).toBe(1009);
  });
});

describe('a peer that does not read', () => {
  const FRAME = 'x'.repeat(64 * 1024);
  /** Until neither the queue nor the kernel takes any more. */
  async function fill(connection: Connection): Promise<void> {
    for (let before = -1; before !== connection.unsentBytes; ) {
      while (connection.send(FRAME));
      before = connection.unsentBytes;
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }

  test('is waited for by sendPaced, fills a bounded queue by send, and holds up nobody else', async () => {
    const connections: Connection[] = [];
    await start({ onConnection: (connection) => void connections.push(connection) });
    const [slow, quick] = [open(), open()];
    const got = messages(quick);
    await waitFor('both', () => connections.length === 2);
    await stopReading(slow);
    const [toSlow, toQuick] = connections as [Connection, Connection];
    await fill(toSlow);
    expect(toSlow.unsentBytes).toBeLessThan(5 * 1024 * 1024);
    let paced: boolean | undefined;
    void toSlow.sendPaced('after').then((sent) => {
      paced = sent;
    });
    expect(toQuick.send('at once')).toBe(true);
    await waitFor('the other one', () => got.length === 1);
    expect(paced).toBeUndefined();
    const late = messages(slow);
    slow.resume();
    await waitFor('the paced one', () => paced !== undefined);
    expect(paced).toBe(true);
    await waitFor('its arrival', () => late.at(-1) === 'after');
  });

  test('that goes away lets go of whoever waits', async () => {
    const opened = Promise.withResolvers<Connection>();
    await start({ onConnection: opened.resolve });
    const client = open();
    const to = await opened.promise;
    await stopReading(client);
    await fill(to);
    const waiting = to.sendPaced('never');
    client.terminate();
    expect(await waiting).toBe(false);
    expect(to.send('x')).toBe(false);
    await waitFor('the signal', () => to.signal.aborted);
  });
});

describe('staying', () => {
  test('silence is asked, and then counts as gone; an answer to the ping is a sign of life', async () => {
    let nowMs = 0;
    await start({}, { pingEveryMs: 20, silenceMs: 1_000, clock: { now: () => nowMs, sleep: async () => {} } });
    const [alive, dead] = [open(), open()];
    await waitFor('both', () => hub.size === 2);
    await stopReading(dead);
    nowMs = 900;
    await new Promise((resolve) => setTimeout(resolve, 100));
    nowMs = 1_500;
    await waitFor('the silent one to be let go', () => hub.size === 1);
    expect(alive.readyState).toBe(WebSocket.OPEN);
  });

  test('who is no longer welcome is told so; trouble with asking dismisses nobody', async () => {
    const verdicts: (() => Promise<boolean>)[] = [
      () => Promise.reject(new Error('no database')),
      async () => true,
      async () => false,
    ];
    await start(
      { mayStay: () => (verdicts.length > 1 ? verdicts.shift() : verdicts[0])?.() ?? Promise.resolve(true) },
      { pingEveryMs: 20 },
    );
    expect(await closed(open())).toMatchObject({ code: 1008, reason: expect.stringContaining('sign on again') });
    expect(verdicts).toHaveLength(1);
  });

  test('closing tells everybody to come back', async () => {
    await start({});
    const client = open();
    await waitFor('it', () => hub.size === 1);
    const end = closed(client);
    await hub.close();
    expect(await end).toMatchObject({ code: 1001, reason: expect.stringContaining('connect again') });
    expect(await refused(open())).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  });
});

test('a close frame has room for 123 bytes, and characters stay whole', () => {
  expect(toCloseReason('short')).toBe('short');
  const cut = toCloseReason('ü'.repeat(100));
  expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(123);
  expect(cut).toMatch(/^ü+…$/);
});
