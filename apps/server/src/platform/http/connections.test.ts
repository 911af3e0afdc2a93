import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ErrorBody } from '@groundcrew/protocol';
import { waitFor } from '@groundcrew/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import type { Http } from './create-http.ts';
import type { Handlers } from './handler.ts';
import { createTestHttp, type TestHttpOptions, WORKSPACE } from './http-for-tests.ts';
import { readRaw } from './raw-body.ts';

let http: Http;
let port: number;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await http?.close(0);
});

async function start(routes: Partial<Handlers> = {}, options: TestHttpOptions = {}): Promise<void> {
  http = createTestHttp({ routes: { listWorkspaces: async () => NOTHING, ...routes }, ...options });
  port = Number(new URL(await http.listen({ host: '127.0.0.1', port: 0 })).port);
}
const NOTHING = { items: [], next_cursor: null };

function open(said = ''): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  sockets.push(socket);
  socket.write(said);
  return socket;
}

const GET = 'GET /api/v1/workspaces HTTP/1.1\r\nhost: a\r\nauthorization: Bearer reader\r\n';
const POST =
  'POST /api/v1/workspaces HTTP/1.1\r\nhost: a\r\nauthorization: Bearer writer\r\ncontent-type: application/json\r\n';

const UPLOAD = POST.replace('/workspaces', '/workspaces/a/configurations/archive').replace(
  'content-type',
  `x-content-sha256: ${'a'.repeat(64)}\r\ncontent-type`,
);

/** Whatever came until the connection ended, as answers. */
function parseAnswers(all: string): { status: number; body: ErrorBody }[] {
  return all.split(/(?=HTTP\/1\.1 \d{3} )/).map((one) => ({
    status: Number(one.slice(9, 12)),
    body: JSON.parse(one.slice(one.indexOf('\r\n\r\n') + 4)) as ErrorBody,
  }));
}
const answersOf = async (socket: Socket) => parseAnswers(await text(socket));

/** Somebody else is served as if nothing were. */
async function expectServed(): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/workspaces`, {
    headers: { authorization: 'Bearer reader' },
    signal: AbortSignal.timeout(5_000),
  });
  expect(answer.status).toBe(200);
}

describe('what is no HTTP', () => {
  test.each([
    ['a greeting', 'HELLO\r\n\r\n'],
    ['bytes of TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000'],
    ['a method that is none', 'GE T / HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['a length that is none', `${POST}content-length: five\r\n\r\n{}`],
    ['two lengths', `${POST}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`],
    ['a length beside chunks', `${POST}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['chunks that are none', `${POST}transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`],
    ['a header without a name', `${GET}: nothing\r\n\r\n`],
    ['a header with a line break in it', `${GET}x-a: b\rc: d\r\n\r\n`],
  ])('%s is told so, and nobody else notices', async (_what, said) => {
    await start();
    const [answer] = await answersOf(open(said));
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', request_id: expect.stringMatching(/^req-/) },
    });
    await expectServed();
  });

  test('headers that are too large have a code of their own', async () => {
    await start();
    const [answer] = await answersOf(open(`${GET}x-large: ${'x'.repeat(40_000)}\r\n\r\n`));
    expect(answer).toMatchObject({ status: 431, body: { code: 'headers_too_large' } });
    await expectServed();
  });

  test('garbage behind a request is refused after the answer to that, not in its place', async () => {
    const asked = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    await start({
      async listWorkspaces() {
        asked.resolve();
        await goOn.promise;
        return NOTHING;
      },
    });
    const socket = open(`${GET}\r\n`);
    await asked.promise;
    socket.write('\u0000\u0001 garbage\r\n\r\n');
    await expect.poll(() => socket.writableLength).toBe(0);
    const answers = answersOf(socket);
    setTimeout(() => goOn.resolve(), 100);
    expect(await answers).toMatchObject([
      { status: 200, body: NOTHING },
      { status: 400, body: { code: 'invalid_request' } },
    ]);
  });

  test('requests that come all at once are answered in their order', async () => {
    await start();
    const socket = open(`${GET}\r\n`.repeat(20) + GET.replace('GET', 'PATCH'));
    socket.write('connection: close\r\n\r\n');
    const answers = await answersOf(socket);
    expect(answers.map(({ status }) => status)).toEqual([...Array(20).fill(200), 405]);
  });

  test('an upgrade to something else is no upgrade', async () => {
    await start();
    const socket = open(
      `${GET}connection: upgrade, http2-settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n`,
    );
    expect(await answersOf(socket)).toMatchObject([{ status: 200 }]);
  });
});

describe('a request that trickles in', () => {
  const quick = { slowBodies: { graceMs: 1_000, minBytesPerSecond: 1_000, everyMs: 10 } };

  test.each([
    ['a JSON body', `${POST}content-length: 5000\r\n\r\n{`],
    ['a body in chunks', `${POST}transfer-encoding: chunked\r\n\r\n1\r\n{\r\n`],
    ['an upload', `${UPLOAD}content-length: 5000\r\n\r\n{`],
  ])('%s is given up with a code that says to send it again', async (_what, said) => {
    let nowMs = 0;
    const read = Promise.withResolvers<string>();
    await start(
      {
        createWorkspace: async () => WORKSPACE,
        async uploadConfiguration({ raw }) {
          read.resolve(await readRaw(raw.stream).then(String, (error: Error) => error.name));
          throw new Error('nobody hears this any more');
        },
      },
      { ...quick, clock: { now: () => nowMs, sleep: async () => {} } },
    );
    const arrived = once(http.server, 'request');
    const socket = open(said);
    await arrived;
    nowMs = 10_000;
    expect(await answersOf(socket)).toMatchObject([
      {
        status: 408,
        body: {
          code: 'too_slow',
          error: expect.stringContaining('too slowly'),
          request_id: expect.stringMatching(/^req-/),
        },
      },
    ]);
    await expectServed();
    // Whoever was reading is let go.
    if (said.startsWith(UPLOAD)) expect(await read.promise).not.toBe('{');
  });

  test('headers and idle connections are given up as well', async () => {
    await start({}, { slowHeaders: { headersTimeout: 100, connectionsCheckingInterval: 50 } });
    const halves = [open(GET), open()];
    const answers = await Promise.all(halves.map(answersOf));
    for (const answer of answers) expect(answer).toMatchObject([{ status: 408, body: { code: 'too_slow' } }]);
    await expectServed();
  });

  test('by default within 25 s', async () => {
    await start();
    expect([http.server.headersTimeout, http.server.requestTimeout]).toEqual([20_000, 0]);
  });

  test('hundreds of connections that say nothing hold up nobody', async () => {
    await start();
    const opened = Array.from({ length: 300 }, () => open());
    await waitFor('all of them', () => opened.every((socket) => !socket.connecting));
    await Promise.all(Array.from({ length: 10 }, expectServed));
  });
});
