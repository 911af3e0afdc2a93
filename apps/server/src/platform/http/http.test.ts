import { Buffer } from 'node:buffer';
import { createLogger } from '@groundcrew/kit';
import type { ErrorBody } from '@groundcrew/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { DatabaseError } from '../database/index.ts';
import type { Http } from './create-http.ts';
import { type Handlers, rawAnswer } from './handler.ts';
import { createTestHttp, type TestHttpOptions } from './http-for-tests.ts';

let http: Http;
afterEach(() => http?.close(0));

function start(routes: Partial<Handlers>, options: TestHttpOptions = {}): Http {
  http = createTestHttp({ routes, ...options });
  return http;
}

const as = (name: string) => ({ authorization: `Bearer ${name}` });
const bodyOf = (answer: { json: () => unknown }) => answer.json() as ErrorBody;
const NOTHING = { items: [], next_cursor: null };

describe('who may call', () => {
  test.each([
    {},
    { authorization: 'Bearer nobody' },
    { authorization: 'Basic cmVhZGVy' },
    { authorization: 'Bearer ' },
    as(`${'x'.repeat(5_000)}`),
  ])('a missing, malformed and unknown credential are refused alike: %o', async (headers) => {
    const answer = await start({}).app.inject({ url: '/api/v1/workspaces', headers });
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(bodyOf(answer)).toMatchObject({ code: 'unauthenticated', error: expect.stringContaining('gct_') });
  });

  test('a permission that is lacking is named, and the body of who may not is never read', async () => {
    const answer = await start({}).app.inject({
      method: 'POST',
      url: '/api/v1/workspaces',
      headers: { ...as('reader'), 'content-type': 'application/json' },
      payload: '{broken',
    });
    expect(answer.statusCode).toBe(403);
    expect(bodyOf(answer).error).toContain('workspace:write');
  });

  test('the handler learns who calls, from where, and by which request', async () => {
    const seen: unknown[] = [];
    const { app } = start({
      async listWorkspaces({ caller, request }) {
        seen.push(caller.name, request.address, request.id);
        return NOTHING;
      },
    });
    const answer = await app.inject({ url: '/api/v1/workspaces', headers: as('reader') });
    expect(seen).toEqual(['reader', '127.0.0.1', answer.headers['x-request-id']]);
  });

  test('X-Forwarded-For counts only from a trusted proxy', async () => {
    const addresses: string[] = [];
    const routes: Partial<Handlers> = {
      async listWorkspaces({ request }) {
        addresses.push(request.address);
        return NOTHING;
      },
    };
    const call = () =>
      http.app.inject({ url: '/api/v1/workspaces', headers: { ...as('reader'), 'x-forwarded-for': '10.1.1.1' } });
    start(routes);
    await call();
    await http.close(0);
    start(routes, { isTrustedProxy: (address) => address === '127.0.0.1' });
    await call();
    expect(addresses).toEqual(['127.0.0.1', '10.1.1.1']);
  });
});

describe('what goes out', () => {
  test('addresses that are not there, and methods that are not', async () => {
    const { app } = start({});
    expect(bodyOf(await app.inject({ url: '/api/v1/nothing' })).code).toBe('not_found');
    const answer = await app.inject({ method: 'PUT', url: '/api/v1/workspaces' });
    expect([answer.statusCode, answer.headers.allow, bodyOf(answer).code]).toEqual([
      405,
      'GET, HEAD, POST',
      'method_not_allowed',
    ]);
  });

  test('HEAD is GET without the body', async () => {
    const { app } = start({ listWorkspaces: async () => NOTHING });
    const answer = await app.inject({ method: 'HEAD', url: '/api/v1/workspaces', headers: as('reader') });
    expect([answer.statusCode, answer.body]).toEqual([200, '']);
  });

  test('every answer forbids caching, sniffing and frames', async () => {
    const answer = await start({}).app.inject({ url: '/api/v1/nothing' });
    expect(answer.headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    });
  });

  test('a fault shows its request id and nothing of itself; the log has the rest', async () => {
    const lines: string[] = [];
    const logger = createLogger({
      name: 'test',
      level: 'error',
      destination: { write: (line: string) => void lines.push(line) },
    });
    const { app } = start(
      { listWorkspaces: () => Promise.reject(new Error('password hunter2 in the stack')) },
      { logger },
    );
    const answer = await app.inject({ url: '/api/v1/workspaces', headers: as('reader') });
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain('hunter2');
    expect(bodyOf(answer).error).toContain(bodyOf(answer).request_id);
    expect(lines.join()).toContain(bodyOf(answer).request_id);
  });

  test.each([
    ['unique', 'workspaces_name', 409, 'name_taken', 'Another workspace has this name'],
    ['unique', 'other', 409, 'conflict', 'already'],
    ['foreign_key', undefined, 409, 'conflict', 'not there'],
    ['bad_value', undefined, 400, 'invalid_request', 'cannot be stored'],
    ['unavailable', undefined, 503, 'unavailable', 'database'],
    ['full', undefined, 503, 'unavailable', 'disk is full'],
    ['check', undefined, 500, 'internal', 'failed'],
  ] as const)(
    'trouble with the database, %s on %s, is told in our words',
    async (kind, constraint, status, code, words) => {
      const { app } = start({
        listWorkspaces: () => Promise.reject(new DatabaseError('secret detail', { kind, constraint })),
      });
      const answer = await app.inject({ url: '/api/v1/workspaces', headers: as('reader') });
      expect([answer.statusCode, bodyOf(answer).code]).toEqual([status, code]);
      expect(bodyOf(answer).error).toContain(words);
      expect(answer.body).not.toContain('secret detail');
      if (status === 503) expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    },
  );

  test('bytes keep their headers and status', async () => {
    const { app } = start({
      downloadConfiguration: async () =>
        rawAnswer({ buffer: Buffer.from('bytes'), headers: { 'x-more': '1' }, status: 206 }),
    });
    const url = '/api/v1/workspaces/a/configurations/cv-aaaaaaaaaaaaaaaaaaaa/archive';
    const answer = await app.inject({ url, headers: as('writer') });
    expect(answer.statusCode).toBe(403);
    const answered = await start({
      getInfo: async () =>
        rawAnswer({ buffer: Buffer.from('bytes'), contentType: 'text/plain', headers: { 'x-more': '1' }, status: 206 }),
    }).app.inject({ url: '/api/v1/info' });
    expect([answered.statusCode, answered.headers['x-more'], answered.headers['content-type'], answered.body]).toEqual([
      206,
      '1',
      'text/plain',
      'bytes',
    ]);
  });

  test('an answer that is not as documented is a fault where answers are checked: a missing field, or one too many', async () => {
    const { items, ...rest } = { items: [], next_cursor: null, token: 'leaked' };
    for (const wrong of [rest, { items, next_cursor: null, token: 'leaked' }]) {
      const { app } = start({ listWorkspaces: async () => wrong as never });
      expect((await app.inject({ url: '/api/v1/workspaces', headers: as('reader') })).statusCode).toBe(500);
      await http.close(0);
    }
  });
});

describe('connections', () => {
  test('closing ends what only waits, refuses what is new, and lets the rest finish', async () => {
    const waiting = Promise.withResolvers<void>();
    start({
      listWorkspaces: async ({ request }) => {
        waiting.resolve();
        await new Promise((resolve) => request.signal.addEventListener('abort', resolve));
        return { items: [], next_cursor: 'woken' };
      },
    });
    const url = await http.listen({ host: '127.0.0.1', port: 0 });
    const answer = fetch(`${url}/api/v1/workspaces`, { headers: as('reader') });
    await waiting.promise;
    const closed = http.close();
    expect(await (await answer).json()).toMatchObject({ next_cursor: 'woken' });
    await closed;
  });

  test('a client that goes away aborts its request', async () => {
    const waiting = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    start({
      listWorkspaces: async ({ request }) => {
        request.signal.addEventListener('abort', () => gone.resolve());
        waiting.resolve();
        await gone.promise;
        return NOTHING;
      },
    });
    const url = await http.listen({ host: '127.0.0.1', port: 0 });
    const leaving = new AbortController();
    const answer = fetch(`${url}/api/v1/workspaces`, { headers: as('reader'), signal: leaving.signal });
    await waiting.promise;
    leaving.abort();
    await expect(answer).rejects.toThrow();
    await gone.promise;
  });
});

test('a route without a handler, and one with two, stop the start', async () => {
  const { createHttp } = await import('./create-http.ts');
  const { mergeHandlers } = await import('./handler.ts');
  expect(() =>
    createHttp({
      handlers: {},
      logger: createLogger({ name: 'test', level: 'silent' }),
      clock: { now: Date.now },
    } as never),
  ).toThrow(/no handler: getInfo, getMe/);
  expect(() =>
    mergeHandlers([
      { getInfo: async () => ({ name: '', version: '', features: [] }) },
      { getInfo: async () => ({ name: '', version: '', features: [] }) },
    ]),
  ).toThrow('getInfo has two handlers');
});
