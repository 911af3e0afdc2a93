import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { createLogger, systemClock } from '@groundcrew/kit';
import { type Listening, listenOnLoopback, waitFor } from '@groundcrew/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { AppError, createClientAddress } from '../http/index.ts';
import type { Connection } from './connection.ts';
import { createSocketHub, type SocketHub, type SocketHubOptions } from './socket-hub.ts';

let hub: SocketHub;
let listening: Listening;
/** What the handler was given, by whoever said it. */
let said: string[];
let opened: Connection[];
let stays: boolean;
const clients: WebSocket[] = [];
const raws: Socket[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.terminate();
  for (const raw of raws.splice(0)) raw.destroy();
  await hub.close();
  await listening.close();
});

async function start(options: Partial<SocketHubOptions> = {}): Promise<void> {
  [said, opened, stays] = [[], [], true];
  hub = createSocketHub({
    logger: createLogger({ name: 'test', level: 'silent' }),
    clock: systemClock,
    clientAddress: createClientAddress(() => false),
    ...options,
  });
  hub.register('/ws/test', {
    async authenticate({ token }) {
      if (token === undefined) throw new AppError('unauthenticated', 'Bring a token.');
      return token;
    },
    maxMessageBytes: 1_000,
    mayStay: async () => stays,
    onConnection(connection) {
      opened.push(connection);
      connection.onMessage((text) => void said.push(text));
    },
  });
  const server = createServer((_request, response) => response.end());
  hub.attach(server);
  listening = await listenOnLoopback(server);
}

function open(token = 'mine', protocols: string[] = []): WebSocket {
  const url = `${listening.url.replace('http', 'ws')}/ws/test`;
  const client = new WebSocket(url, protocols, { headers: { authorization: `Bearer ${token}` } });
  client.on('error', () => {});
  clients.push(client);
  return client;
}
const isOpen = (client: WebSocket) => waitFor('it to open', () => client.readyState === WebSocket.OPEN);
const closed = async (client: WebSocket): Promise<number> => (await once(client, 'close'))[0] as number;
async function refused(client: WebSocket) {
  const [, response] = (await once(client, 'unexpected-response')) as [unknown, IncomingMessage];
  const body = JSON.parse(Buffer.concat(await response.toArray()).toString()) as { code: string };
  return { status: response.statusCode, retryAfter: response.headers['retry-after'], code: body.code };
}

const HANDSHAKE = {
  host: 'a',
  connection: 'upgrade',
  upgrade: 'websocket',
  authorization: 'Bearer raw',
  'sec-websocket-key': randomBytes(16).toString('base64'),
  'sec-websocket-version': '13',
};

/** A handshake made by hand, and what came back until the peer ended it or `until` is in it. */
function openRaw(headers: Partial<Record<keyof typeof HANDSHAKE, string | undefined>> = {}) {
  const socket = connect(Number(new URL(listening.url).port), '127.0.0.1');
  raws.push(socket);
  socket.on('error', () => {});
  const lines = Object.entries({ ...HANDSHAKE, ...headers })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET /ws/test HTTP/1.1\r\n${lines.join('')}\r\n`);
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
  });
  return {
    socket,
    ended: once(socket, 'close'),
    upgraded: () => waitFor('the upgrade', () => bytes.includes('101 Switching')),
    text: () => bytes.toString('latin1'),
    /** The code of the close frame that came last. */
    closeCode: () => bytes.readUInt16BE(bytes.lastIndexOf(0x88) + 2),
  };
}

/** Whoever else is connected goes on as before. */
async function expectUndisturbed(other: WebSocket): Promise<void> {
  other.send('still here');
  await waitFor('the other one to be heard', () => said.includes('still here'));
  expect(other.readyState).toBe(WebSocket.OPEN);
}

describe('a handshake', () => {
  test.each([
    ['without a key', { 'sec-websocket-key': undefined }],
    ['with a key that is none', { 'sec-websocket-key': 'short' }],
    ['of a version that nobody speaks', { 'sec-websocket-version': '7' }],
  ])('%s is refused like any bad request', async (_what, headers) => {
    await start();
    const raw = openRaw(headers);
    await raw.ended;
    expect(raw.text()).toMatch(/^HTTP\/1\.1 400 /);
    expect(raw.text()).toContain('"code":"invalid_request"');
    expect([opened.length, hub.size]).toEqual([0, 0]);
  });

  test('with a subprotocol is refused, since none is spoken', async () => {
    await start();
    expect(await refused(open('mine', ['mqtt']))).toMatchObject({ status: 400, code: 'invalid_request' });
  });

  test('beyond what one credential may have open is told to come back, and another credential is not meant', async () => {
    await start({ maxPerCredential: 3 });
    const three = [open(), open(), open()];
    await Promise.all(three.map(isOpen));
    expect(await refused(open())).toEqual({ status: 429, retryAfter: '10', code: 'rate_limited' });
    await isOpen(open('another'));
    three[0]?.close();
    await waitFor('it to leave', () => hub.size === 3);
    await isOpen(open());
  });
});

describe('frames', () => {
  const masked = (head: number[], body: string): Buffer =>
    Buffer.concat([Buffer.from(head), Buffer.alloc(4), Buffer.from(body)]);

  test.each([
    ['that are not masked', Buffer.concat([Buffer.from([0x81, 2]), Buffer.from('hi')]), 1002],
    ['of a kind that does not exist', masked([0x83, 0x82], 'hi'), 1002],
    ['with reserved bits', masked([0xf1, 0x82], 'hi'), 1002],
    ['that are no UTF-8', Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]), 1007],
    ['of bytes', masked([0x82, 0x82], 'hi'), 1003],
    ['that announce more than is taken', Buffer.from([0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0]), 1009],
    ['that go on without a beginning', masked([0x80, 0x82], 'hi'), 1002],
    ['of rubbish', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 1002],
  ])('%s end that connection alone', async (_what, bytes, code) => {
    await start();
    const other = open();
    await isOpen(other);
    const raw = openRaw();
    await raw.upgraded();
    raw.socket.write(bytes);
    await waitFor('the close frame', () => raw.text().includes('\u0088') && raw.closeCode() === code);
    raw.socket.end();
    await waitFor('it to be let go', () => hub.size === 1);
    expect(said).toEqual([]);
    await expectUndisturbed(other);
  });

  test('in pieces that together are too large are cut off', async () => {
    await start();
    const client = open();
    await isOpen(client);
    const end = closed(client);
    for (let sent = 0; sent < 20; sent += 1) client.send('x'.repeat(100), { fin: false });
    expect(await end).toBe(1009);
    expect(said).toEqual([]);
  });

  test('that come after we said goodbye are taken by nobody', async () => {
    await start({ pingEveryMs: 20 });
    const raw = openRaw();
    await raw.upgraded();
    raw.socket.write(masked([0x81, 0x82], 'hi'));
    await waitFor('the first word', () => said.length === 1);
    // The credential was revoked meanwhile; this peer hears the goodbye and talks on.
    stays = false;
    await waitFor('the goodbye', () => raw.text().includes('sign on again'));
    expect(raw.closeCode()).toBe(1008);
    for (let times = 0; times < 5; times += 1) raw.socket.write(masked([0x81, 0x82], 'ho'));
    const other = open('another');
    stays = true;
    await isOpen(other);
    await expectUndisturbed(other);
    expect(said).toEqual(['hi', 'still here']);
  });
});
