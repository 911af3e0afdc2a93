import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { createWsSocketFactory } from '../node/index.ts';
import { openSocket, type Socket, type SocketOptions } from './open-socket.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A WebSocket server whose connections are handed over one by one. */
async function startServer(answerUpgrade?: (request: http.IncomingMessage) => number) {
  const server = http.createServer();
  const sockets = new WebSocketServer({ noServer: true });
  const accepted: { socket: WebSocket; headers: http.IncomingHttpHeaders; url: string; texts: string[] }[] = [];
  const waiting: (() => void)[] = [];
  server.on('upgrade', (request, socket, head) => {
    const status = answerUpgrade?.(request) ?? 101;
    if (status !== 101) {
      const body = JSON.stringify({ error: 'Not you.', code: 'unauthenticated', request_id: 'r' });
      return void socket.end(
        `HTTP/1.1 ${status} No\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
      );
    }
    sockets.handleUpgrade(request, socket, head, (ws) => {
      const entry = { socket: ws, headers: request.headers, url: request.url ?? '', texts: [] as string[] };
      ws.on('message', (data) => entry.texts.push(data.toString()));
      accepted.push(entry);
      for (const wake of waiting.splice(0)) wake();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    for (const client of sockets.clients) client.terminate();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    accepted,
    async connection(n: number) {
      while (accepted.length < n) await new Promise<void>((resolve) => waiting.push(resolve));
      return accepted[n - 1]!;
    },
  };
}

type Message = { n: number };
function open(url: string, more: Partial<SocketOptions<Message, Message>> = {}) {
  const got: Message[] = [];
  const arrived: (() => void)[] = [];
  const socket: Socket<Message> = openSocket<Message, Message>({
    url,
    connect: createWsSocketFactory(),
    parse: (json) => json as Message,
    onMessage: (message) => {
      got.push(message);
      for (const wake of arrived.splice(0)) wake();
    },
    backOff: { baseMs: 5, capMs: 10 },
    ...more,
  });
  closers.push(() => {
    socket.close();
    return socket.closed;
  });
  const until = async (count: number) => {
    while (got.length < count) await new Promise<void>((resolve) => arrived.push(resolve));
  };
  return { socket, got, until };
}

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
};

describe('a socket', () => {
  it('carries the token in a header and messages both ways', async () => {
    const server = await startServer();
    const { socket, got, until: received } = open(`${server.url}/ws?a=1`, { token: 'gct_1', onUp: () => [{ n: 0 }] });
    socket.send({ n: 1 });
    const first = await server.connection(1);
    first.socket.send('{"n":7}');
    await received(1);
    await until(() => first.texts.length === 2);
    expect(first.headers.authorization).toBe('Bearer gct_1');
    expect(first.url).toBe('/ws?a=1');
    expect(first.texts).toEqual(['{"n":0}', '{"n":1}']);
    expect(got).toEqual([{ n: 7 }]);
  });

  it('comes back after a break, first words first, then what waited, in order', async () => {
    const server = await startServer();
    const downs: string[] = [];
    const { socket } = open(server.url, { onUp: () => [{ n: 0 }], onDown: ({ reason }) => void downs.push(reason) });
    (await server.connection(1)).socket.close(4001, 'moving');
    await until(() => downs.length === 1);
    expect(socket.send({ n: 1 })).toBe(true);
    expect(socket.send({ n: 2 })).toBe(true);
    const second = await server.connection(2);
    await until(() => second.texts.length === 3);
    expect(second.texts).toEqual(['{"n":0}', '{"n":1}', '{"n":2}']);
    expect(downs).toEqual(['moving']);
  });

  it('keeps no more than its bound, and nothing that is only worth sending now', async () => {
    const { socket } = open('ws://127.0.0.1:1', { maxQueued: 2 });
    expect(socket.send({ n: 1 }, { transient: true })).toBe(false);
    expect([1, 2, 3].map((n) => socket.send({ n }))).toEqual([true, true, false]);
    socket.close();
    await socket.closed;
    expect(socket.send({ n: 4 })).toBe(false);
  });

  it('gives a silent connection up', async () => {
    const server = await startServer();
    const downs: string[] = [];
    open(server.url, { silenceMs: 80, onDown: ({ reason }) => void downs.push(reason) });
    const first = await server.connection(1);
    // A far side that went away without a word: it neither reads nor answers pings.
    first.socket.pause();
    await server.connection(2);
    expect(downs[0]).toBe('nothing was heard for 0.08 s');
  });

  it('takes a pong for a sign of life', async () => {
    const server = await startServer();
    const downs: string[] = [];
    open(server.url, { silenceMs: 400, onDown: ({ reason }) => void downs.push(reason) });
    const first = await server.connection(1);
    let pings = 0;
    first.socket.on('ping', () => {
      pings += 1;
    });
    await until(() => pings >= 5);
    expect(downs).toEqual([]);
  });

  it("tells a refused upgrade with the server's sentence, and stops when told to", async () => {
    const server = await startServer(() => 401);
    const downs: unknown[] = [];
    const { socket } = open(server.url, {
      onDown: ({ refusal }) => {
        downs.push(refusal);
        return downs.length === 2 ? 'stop' : undefined;
      },
    });
    await socket.closed;
    expect(downs).toHaveLength(2);
    expect(downs[0]).toMatchObject({ message: 'Not you.', status: 401, code: 'unauthenticated' });
  });

  it('survives a message that cannot be read', async () => {
    const server = await startServer();
    const bad: unknown[] = [];
    const { until: received } = open(server.url, { onBadMessage: (error) => void bad.push(error) });
    const first = await server.connection(1);
    first.socket.send('not json');
    first.socket.send('{"n":1}');
    await received(1);
    expect(bad).toHaveLength(1);
    expect(server.accepted).toHaveLength(1);
  });

  it('makes a new connection at once when asked to, with the present url', async () => {
    const server = await startServer();
    let n = 0;
    const { socket } = open('', { url: () => `${server.url}/${++n}`, backOff: { baseMs: 60_000, capMs: 60_000 } });
    await server.connection(1);
    await until(() => socket.isUp);
    socket.reconnect();
    expect((await server.connection(2)).url).toBe('/2');
  });

  it('wakes from its pause when asked to reconnect', async () => {
    const server = await startServer();
    let isDown = false;
    const { socket } = open(server.url, {
      backOff: { baseMs: 60_000, capMs: 60_000 },
      onDown: () => {
        isDown = true;
        return undefined;
      },
    });
    (await server.connection(1)).socket.terminate();
    await until(() => isDown);
    await new Promise((resolve) => setImmediate(resolve));
    socket.reconnect();
    await server.connection(2);
  });

  it('closes even when the far side does not answer', async () => {
    const server = await startServer();
    const { socket } = open(server.url);
    (await server.connection(1)).socket.pause();
    await until(() => socket.isUp);
    const before = Date.now();
    socket.close();
    await socket.closed;
    expect(Date.now() - before).toBeLessThan(5_000);
  });

  it('refuses plain ws to another host', async () => {
    const downs: string[] = [];
    const { socket } = open('ws://example.com/ws', {
      onDown: ({ reason }) => {
        downs.push(reason);
        return 'stop';
      },
    });
    await socket.closed;
    expect(downs[0]).toMatch(/plain http to another host/);
  });
});
