import { once } from 'node:events';
import { renameSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createLogger, onLine, systemClock } from '@groundcrew/kit';
import { DaemonHeartbeat } from '@groundcrew/protocol';
import { createTemporaryFolder, waitFor } from '@groundcrew/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createDaemonHttp } from './daemon-http.ts';
import { createDaemonLink, type DaemonChannel } from './daemon-link.ts';
import { createDaemonMethods } from './daemon-methods.ts';
import { createDaemonSocket } from './daemon-socket.ts';
import { factsWith } from './facts-for-tests.ts';
import { presentDaemonHeartbeat, presentState } from './present.ts';

const heartbeat = presentDaemonHeartbeat(factsWith());
const silent = createLogger({ name: 'test', level: 'silent' });

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A daemon's HTTP that answers as told. */
async function startHttpDaemon(answer: Answer) {
  const seen: string[] = [];
  const server = createHttpServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      seen.push(`${request.method} ${request.url} ${body}`);
      answer(request, response, body);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const ok: Answer = (_request, response) => response.end('{"message":"heartbeat received"}');

describe('over HTTP', () => {
  test('a heartbeat is a POST of the documented body', async () => {
    const { seen, url } = await startHttpDaemon(ok);
    const channel = createDaemonHttp({ url: `${url}/base/`, timeoutMs: () => 2_000 });
    await channel.send(heartbeat);
    const [line = ''] = seen;
    expect(line).toMatch(/^POST \/base\/heartbeat \{/);
    expect(DaemonHeartbeat.parse(JSON.parse(line.slice(line.indexOf('{'))))).toEqual(heartbeat);
  });

  test.each<[string, Answer, RegExp]>([
    ['400', (_q, s) => s.writeHead(400).end('{"error":"who are you"}'), /answered 400: \{"error":"who are you"\}/],
    ['nothing in time', () => {}, /within 150 ms/],
    ['one byte at a time', (_q, s) => void setInterval(() => s.write('x'), 20).unref(), /within 150 ms/],
    ['without end', (_q, s) => void s.write('x'.repeat(100_000)), /does not end/],
    ['by hanging up', (_q, s) => s.destroy(), /hang up|ECONNRESET|aborted/],
    [
      'half',
      (_q, s) => void s.writeHead(200, { 'content-length': 9 }).write('x', () => s.destroy()),
      /hang up|aborted|broke/,
    ],
  ])('a daemon that answers %s is an error that says so', async (_what, answer, words) => {
    const { url } = await startHttpDaemon(answer);
    await expect(createDaemonHttp({ url, timeoutMs: () => 150 }).send(heartbeat)).rejects.toThrow(words);
  });

  test('nobody there', async () => {
    const channel = createDaemonHttp({ url: 'http://127.0.0.1:1', timeoutMs: () => 500 });
    await expect(channel.send(heartbeat)).rejects.toThrow('ECONNREFUSED');
    channel.close();
  });
});

interface Daemon {
  path: string;
  documents: Record<string, unknown>[];
  say(text: string): void;
  sockets: Socket[];
}

/** A daemon's socket; each line that arrives is given to `onDocument`. */
async function startSocketDaemon(
  onDocument: (document: Record<string, unknown>, socket: Socket) => void,
): Promise<Daemon> {
  const folder = createTemporaryFolder('daemon');
  const path = join(folder.path, 'd.sock');
  const documents: Record<string, unknown>[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    onLine(socket, (line) => {
      const document = JSON.parse(line) as Record<string, unknown>;
      documents.push(document);
      onDocument(document, socket);
    });
  }).listen(path);
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    folder.remove();
  });
  return { path, documents, sockets, say: (text) => void sockets.at(-1)?.write(text) };
}

const take = (document: Record<string, unknown>, socket: Socket): void => {
  if (document.method === 'heartbeat')
    socket.write(`${JSON.stringify({ jsonrpc: '2.0', id: document.id, result: { message: 'heartbeat received' } })}\n`);
};

function openChannel(path: string, onStop: (now: boolean) => void = () => {}): DaemonChannel {
  const methods = createDaemonMethods({ state: () => presentState(factsWith()), onStop });
  const channel = createDaemonSocket({ path, timeoutMs: () => 200, methods, logger: silent });
  onTestFinished(() => channel.close());
  return channel;
}

describe('over the Unix socket', () => {
  test('heartbeats are calls on one connection, each document on a line of its own', async () => {
    const daemon = await startSocketDaemon(take);
    const channel = openChannel(daemon.path);
    await channel.send(heartbeat);
    await channel.send(heartbeat);
    expect(daemon.sockets).toHaveLength(1);
    expect(daemon.documents).toEqual(
      [1, 2].map((id) => ({ jsonrpc: '2.0', id, method: 'heartbeat', params: heartbeat })),
    );
  });

  test('the daemon asks for the status, and for the agent to stop, over the same connection', async () => {
    const daemon = await startSocketDaemon(take);
    const stops: boolean[] = [];
    const channel = openChannel(daemon.path, (now) => stops.push(now));
    await channel.send(heartbeat);
    // Both in one piece, and the second broken off in the middle.
    daemon.say('{"jsonrpc":"2.0","id":"s1","method":"status"}\n{"jsonrpc":"2.0","id":2,"meth');
    daemon.say('od":"stop","params":{"now":true}}\n{"jsonrpc":"2.0","method":"stop"}\n');
    await waitFor('both stops', () => stops.length === 2 || undefined);
    expect(stops).toEqual([true, false]);
    const answers = await waitFor('answers', () =>
      daemon.documents.length === 3 ? daemon.documents.slice(1) : undefined,
    );
    expect(answers).toEqual([
      { jsonrpc: '2.0', id: 's1', result: expect.objectContaining({ agent_id: 'host-1', status: 'online' }) },
      { jsonrpc: '2.0', id: 2, result: { message: 'leaving' } },
    ]);
  });

  test.each<[string, string, number | undefined]>([
    ['an unknown method', '{"jsonrpc":"2.0","id":1,"method":"reboot"}', -32_601],
    ['one of every object', '{"jsonrpc":"2.0","id":1,"method":"constructor"}', -32_601],
    ['wrong parameters', '{"jsonrpc":"2.0","id":1,"method":"stop","params":{"now":"maybe"}}', -32_602],
    ['another protocol', '{"jsonrpc":"1.0","id":1,"method":"status"}', -32_600],
    ['an unknown notification', '{"jsonrpc":"2.0","method":"reboot"}', undefined],
    ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"status"}]', undefined],
    ['garbage', 'nonsense', undefined],
  ])('%s is answered as JSON-RPC says, or not at all, and stops nothing', async (_what, line, code) => {
    const daemon = await startSocketDaemon(take);
    const stops: boolean[] = [];
    const channel = openChannel(daemon.path, (now) => stops.push(now));
    await channel.send(heartbeat);
    daemon.say(`${line}\n`);
    await channel.send(heartbeat);
    const errors = daemon.documents.filter((document) => 'error' in document);
    expect(errors.map(({ error }) => (error as { code: number }).code)).toEqual(code === undefined ? [] : [code]);
    expect(daemon.sockets).toHaveLength(1);
    expect(stops).toEqual([]);
  });

  test.each<[string, (document: Record<string, unknown>, socket: Socket) => void, RegExp]>([
    [
      'refuses it',
      ({ id }, s) => void s.write(`{"jsonrpc":"2.0","id":${id},"error":{"code":1,"message":"no"}}\n`),
      /answered 1: no/,
    ],
    [
      'answers neither yes nor no',
      ({ id }, s) => void s.write(`{"jsonrpc":"2.0","id":${id}}\n`),
      /nothing that is understood/,
    ],
    ['answers another call', (_d, s) => void s.write('{"jsonrpc":"2.0","id":999,"result":{}}\n'), /within 200 ms/],
    ['says nothing', () => {}, /within 200 ms/],
    ['says garbage', (_d, s) => void s.write('<html>\n'), /within 200 ms/],
    ['says a line without end', (_d, s) => void s.write('x'.repeat(70_000)), /line of more than/],
    ['hangs up', (_d, s) => void s.destroy(), /closed the connection|ECONNRESET/],
  ])(
    'a daemon that %s is an error that says so, and the next heartbeat finds a new one',
    async (_what, answer, words) => {
      let isWell = false;
      const daemon = await startSocketDaemon((document, socket) => (isWell ? take : answer)(document, socket));
      const channel = openChannel(daemon.path);
      await expect(channel.send(heartbeat)).rejects.toThrow(words);
      isWell = true;
      await channel.send(heartbeat);
    },
  );

  test('a daemon that asks and never reads is hung up on', async () => {
    const daemon = await startSocketDaemon(() => {});
    const channel = openChannel(daemon.path);
    const sent = channel.send(heartbeat).catch((error: Error) => error.message);
    await waitFor('the connection', () => daemon.documents.length > 0 || undefined);
    daemon.sockets[0]?.pause();
    daemon.say('{"jsonrpc":"2.0","id":1,"method":"status"}\n'.repeat(5_000));
    expect(await sent).toMatch(/does not read|within 200 ms/);
  });

  test('of one that floods, only so much is read between two heartbeats; the rest goes with its connection', async () => {
    const daemon = await startSocketDaemon(take);
    const channel = openChannel(daemon.path);
    await channel.send(heartbeat);
    const [flooding] = daemon.sockets as [Socket];
    daemon.say(`${'x'.repeat(1_000)}\n`.repeat(4_000));
    const drained = once(flooding, 'drain').then(() => 'all was read');
    expect(await Promise.race([drained, new Promise((resolve) => setTimeout(resolve, 1_000, 'held'))])).toBe('held');
    // The answer comes behind the flood, of which again only so much is read.
    await expect(channel.send(heartbeat)).rejects.toThrow('within 200 ms');
    await channel.send(heartbeat);
    expect(daemon.sockets).toHaveLength(2);
  });

  test('a socket that a dead daemon left behind is tried again until a new one listens there', async () => {
    const { path } = await startSocketDaemon(take);
    const left = `${path}.left`;
    const dead = createServer().listen(`${path}.dead`);
    await once(dead, 'listening');
    renameSync(`${path}.dead`, left);
    await new Promise((resolve) => dead.close(resolve));
    const channel = openChannel(left);
    await expect(channel.send(heartbeat)).rejects.toThrow('ECONNREFUSED');
    renameSync(path, left);
    await channel.send(heartbeat);
  });

  test('nobody there', async () => {
    await expect(openChannel('/nowhere/d.sock').send(heartbeat)).rejects.toThrow('ENOENT');
  });
});

test('the link tells of an outage once, never queues, and its last heartbeat is waited for', async () => {
  const lines: string[] = [];
  const logger = createLogger({ name: 'test', destination: { write: (line) => void lines.push(line) } });
  const leaving = new AbortController();
  const sent: string[] = [];
  let isAway = true;
  const channel: DaemonChannel = {
    async send({ status }) {
      sent.push(status);
      if (isAway) throw new Error('away');
    },
    close: () => void sent.push('closed'),
  };
  let condition: 'online' | 'stopping' = 'online';
  const link = createDaemonLink({
    channel,
    where: 'test',
    heartbeat: () => presentDaemonHeartbeat(factsWith({ condition })),
    intervalMs: () => 10,
    clock: systemClock,
    logger,
    signal: leaving.signal,
  });
  void link.keepSending();
  await waitFor('some tries', () => sent.length > 3 || undefined);
  isAway = false;
  await waitFor('the recovery', () => lines.length === 2 || undefined);
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual([
    'the daemon at test took no heartbeat; the work goes on',
    'the daemon at test takes heartbeats again',
  ]);
  leaving.abort();
  condition = 'stopping';
  await link.close();
  expect(sent.slice(-2)).toEqual(['stopping', 'closed']);
});
