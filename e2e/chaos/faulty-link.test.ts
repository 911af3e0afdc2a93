import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FaultyLink, startFaultyLink } from './faulty-link.ts';

let echo: Server;
let link: FaultyLink;
const clients: Socket[] = [];

beforeEach(async () => {
  echo = createServer((socket) => socket.on('error', () => {}).pipe(socket));
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  link = await startFaultyLink(`http://127.0.0.1:${(echo.address() as AddressInfo).port}`);
});
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
  link.close();
  echo.close();
});

function open(): Socket {
  const client = createConnection({ host: '127.0.0.1', port: Number(new URL(link.url).port) });
  clients.push(client);
  return client;
}

async function connect(): Promise<Socket> {
  const client = open();
  await once(client, 'connect');
  return client;
}

async function say(client: Socket, text: string): Promise<string> {
  const heard = once(client, 'data');
  client.write(text);
  return String((await heard)[0]);
}

const ended = (client: Socket): Promise<string> =>
  new Promise((resolve) => {
    client.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    client.once('close', () => resolve('closed'));
  });

test('an open link carries everything', async () => {
  expect(await say(await connect(), 'hello')).toBe('hello');
});

test('a cut resets what is there and what comes, until it is over', async () => {
  const client = await connect();
  expect(await say(client, 'hello')).toBe('hello');
  const end = ended(client);
  link.setMode({ kind: 'cut' });
  expect(await end).toBe('ECONNRESET');
  expect(await ended(open())).toBe('ECONNRESET');
  link.setMode({ kind: 'open' });
  expect(await say(await connect(), 'again')).toBe('again');
});

test('a stalled link takes connections and carries nothing; everything arrives once it goes on', async () => {
  const early = await connect();
  expect(await say(early, 'hello')).toBe('hello');
  link.setMode({ kind: 'stalled' });
  const late = await connect();
  let heard = '';
  for (const client of [early, late]) {
    client.on('data', (piece) => {
      heard += piece;
    });
    client.write('waits;');
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(heard).toBe('');
  link.setMode({ kind: 'open' });
  await expect.poll(() => heard).toBe('waits;waits;');
});

test('a half-open link that is reset ends its connections', async () => {
  const client = await connect();
  expect(await say(client, 'hello')).toBe('hello');
  link.setMode({ kind: 'stalled' });
  const end = ended(client);
  link.resetAll();
  expect(await end).toBe('ECONNRESET');
});

test('a slow link carries everything in order, and later', async () => {
  link.setMode({ kind: 'slow', delayMs: 50 });
  const client = await connect();
  const startedAt = performance.now();
  expect(await say(client, 'hello')).toBe('hello');
  // Both ways.
  expect(performance.now() - startedAt).toBeGreaterThan(95);
});
