import { Buffer } from 'node:buffer';
import { request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import type { ErrorBody } from '@groundcrew/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { AppError } from './app-error.ts';
import type { Http } from './create-http.ts';
import type { Handlers } from './handler.ts';
import { createTestHttp, type TestHttpOptions, WORKSPACE } from './http-for-tests.ts';
import { readRaw } from './raw-body.ts';

let http: Http;
afterEach(() => http?.close(0));

function start(routes: Partial<Handlers>, options: TestHttpOptions = {}): Http {
  http = createTestHttp({ routes, ...options });
  return http;
}

const as = (name: string) => ({ authorization: `Bearer ${name}` });
const bodyOf = (answer: { json: () => unknown }) => answer.json() as ErrorBody;
const SHA = 'a'.repeat(64);

describe('what comes in', () => {
  test('all mistakes of all parts are told at once, each with its path', async () => {
    const { app } = start({});
    const answer = await app.inject({
      method: 'POST',
      url: `/api/v1/workspaces/${'w'.repeat(129)}/configurations/archive?message=${'m'.repeat(501)}`,
      headers: { ...as('writer'), 'x-content-sha256': 'no' },
      payload: 'x',
    });
    expect(answer.statusCode).toBe(400);
    expect(bodyOf(answer)).toMatchObject({ code: 'invalid_request', request_id: answer.headers['x-request-id'] });
    expect((bodyOf(answer).details as { path: string }[]).map(({ path }) => path).sort()).toEqual([
      'headers.x-content-sha256',
      'params.workspace_id',
      'query.message',
    ]);
  });

  test('fields of the body are named without a prefix; unknown ones are left out', async () => {
    const bodies: unknown[] = [];
    const { app } = start({
      async updateWorkspace({ body }) {
        bodies.push(body);
        return WORKSPACE;
      },
    });
    const put = (payload: object) =>
      app.inject({ method: 'PUT', url: '/api/v1/workspaces/a', headers: as('writer'), payload });
    const bad = await put({ name: '-', tool: 'ansible' });
    expect((bodyOf(bad).details as { path: string }[]).map(({ path }) => path)).toEqual(['name', 'tool']);
    expect((await put({ tool: 'tofu', colour: 'red' })).statusCode).toBe(200);
    expect(bodies).toEqual([{ tool: 'tofu' }]);
  });

  const post = (payload: string | Buffer, headers: Record<string, string> = {}) =>
    start({ createWorkspace: async () => WORKSPACE }).app.inject({
      method: 'POST',
      url: '/api/v1/workspaces',
      headers: { ...as('writer'), 'content-type': 'application/json', ...headers },
      payload,
    });

  test.each([
    ['broken JSON', '{"name":', 400, 'invalid_request'],
    ['not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, 'invalid_request'],
    [
      'deeper than anything of ours',
      `{"name":"a","provider_config":{"a":${'['.repeat(100)}${']'.repeat(100)}}}`,
      400,
      'invalid_request',
    ],
    ['no body at all', '', 400, 'invalid_request'],
    ['a list', '[]', 400, 'invalid_request'],
    ['more than the route takes', `{"name":"${'x'.repeat(5_000_001)}"}`, 413, 'too_large'],
  ] as const)('%s is refused', async (_what, payload, status, code) => {
    const answer = await post(payload);
    expect(answer.statusCode).toBe(status);
    expect(bodyOf(answer).code).toBe(code);
  });

  test('brackets inside texts do not count as depth', async () => {
    expect((await post(`{"name":"a","description":"${'['.repeat(200)}\\"${'{'.repeat(200)}"}`)).statusCode).toBe(201);
  });

  test('another content type is refused with the one to use', async () => {
    const answer = await post('name=a', { 'content-type': 'application/x-www-form-urlencoded' });
    expect(answer.statusCode).toBe(415);
    expect(bodyOf(answer).error).toContain('application/json');
  });

  test('a key __proto__ reaches nobody', async () => {
    const configs: unknown[] = [];
    const { app } = start({
      async createWorkspace({ body }) {
        configs.push(body.provider_config);
        return WORKSPACE;
      },
    });
    const payload = '{"name":"a","provider_config":{"__proto__":{"admin":true},"b":1}}';
    const headers = { ...as('writer'), 'content-type': 'application/json' };
    await app.inject({ method: 'POST', url: '/api/v1/workspaces', headers, payload });
    expect(configs).toEqual([{ b: 1 }]);
    expect((configs[0] as { admin?: boolean }).admin).toBeUndefined();
  });
});

describe('raw bodies', () => {
  const upload = (payload: Buffer, headers: Record<string, string> = {}) =>
    http.app.inject({
      method: 'POST',
      url: '/api/v1/workspaces/a/configurations/archive',
      headers: { ...as('writer'), 'x-content-sha256': SHA, 'content-type': 'application/json', ...headers },
      payload,
    });
  const received: Buffer[] = [];
  const take: Partial<Handlers> = {
    uploadConfiguration: async ({ raw }) => {
      received.push(await readRaw(raw.stream));
      throw new AppError('conflict', `Took ${raw.encoding}.`);
    },
  };

  test('arrive as they are, whatever they call themselves, and unpacked when they come compressed', async () => {
    start(take);
    await upload(Buffer.from('{"not": "parsed"'));
    const answer = await upload(gzipSync('unpacked'), { 'content-encoding': 'gzip' });
    expect(received.map(String)).toEqual(['{"not": "parsed"', 'unpacked']);
    expect(bodyOf(answer).error).toBe('Took gzip.');
  });

  test('compressed rubbish, unknown encodings and announced lengths beyond the limit are refused', async () => {
    start(take);
    expect(bodyOf(await upload(Buffer.from('rubbish'), { 'content-encoding': 'gzip' }))).toMatchObject({
      code: 'invalid_request',
      error: expect.stringContaining('gzip'),
    });
    expect((await upload(Buffer.from('x'), { 'content-encoding': 'br' })).statusCode).toBe(415);
    expect(bodyOf(await upload(Buffer.from('x'), { 'content-length': String(200 * 1024 * 1024) })).code).toBe(
      'too_large',
    );
  });

  test.each([
    ['bytes', '/api/v1/workspaces/a/configurations/archive', 'application/gzip', 104_857_600],
    ['JSON', '/api/v1/workspaces', 'application/json', 5_000_000],
  ])('an endless body of %s is cut at the limit, and the client still reads why', async (_what, path, type, limit) => {
    start(take);
    const { port } = new URL(await http.listen({ host: '127.0.0.1', port: 0 }));
    const headers = { ...as('writer'), 'x-content-sha256': SHA, 'content-type': type };
    const outgoing = httpRequest({ port, method: 'POST', path, headers });
    const answered = new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      outgoing.on('response', async (response) => resolve({ status: response.statusCode, body: await text(response) }));
      outgoing.on('error', reject);
    });
    void pipeline(Readable.from(megabytes(Math.ceil(limit / 1024 / 1024) + 20)), outgoing).catch(() => {});
    const { status, body } = await answered;
    expect(status).toBe(413);
    expect(JSON.parse(body)).toMatchObject({ code: 'too_large', error: expect.stringContaining(String(limit)) });
  });
});

function* megabytes(count: number): Generator<Buffer> {
  const chunk = Buffer.alloc(1024 * 1024, ' ');
  for (let i = 0; i < count; i += 1) yield chunk;
}
