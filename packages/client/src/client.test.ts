import { Readable } from 'node:stream';
import { createFakeClock } from '@groundcrew/kit';
import { type PoolId, routes, type TaskId } from '@groundcrew/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import {
  cut,
  type FakeServer,
  replyJson,
  replyNothing,
  replyRefusal,
  startFakeServer,
} from './fake-server-for-tests.ts';
import { ApiError, type Client, ConnectionError } from './index.ts';
import { createNodeClient, type NodeClientOptions } from './node/index.ts';

const taskId = 'task-aaaaaaaaaaaaaaaaaaaa' as TaskId;
const info = { name: 'groundcrew', version: '0.1.0', features: [] };
const order = { workspace_id: 'hello', task_type: 'plan' } as const;
const open: { server?: FakeServer; client?: Client }[] = [];

async function start(replies: Parameters<typeof startFakeServer>, more: Partial<NodeClientOptions> = {}) {
  const server = await startFakeServer(...replies);
  const client = createNodeClient({ baseUrl: server.url, retry: { baseMs: 1, capMs: 2 }, ...more });
  open.push({ server, client });
  return { server, client };
}

afterEach(async () => {
  for (const { server, client } of open.splice(0)) {
    client?.close();
    await server?.close();
  }
});

describe('a call', () => {
  it('puts parameters, query, token and body where the route table says', async () => {
    const { server, client } = await start([replyJson({ id: 'x' }, 201)], { token: 'gct_x', userAgent: 'test/1' });
    await client.call('updateWorkspace', { params: { workspace_id: 'a b' }, body: { description: 'é' } });
    await client.call('listTasks', { query: { active: 'true', limit: 5, status: undefined } as never });
    expect(server.seen[0]).toMatchObject({ method: 'PUT', path: '/api/v1/workspaces/a%20b' });
    expect(server.seen[0]?.headers).toMatchObject({
      authorization: 'Bearer gct_x',
      'content-type': 'application/json',
      'content-length': '20',
      'user-agent': 'test/1',
    });
    expect(JSON.parse(server.seen[0]?.body.toString() ?? '')).toEqual({ description: 'é' });
    expect(server.seen[1]?.path).toBe('/api/v1/tasks?active=true&limit=5');
    expect(server.seen[1]?.headers['content-type']).toBeUndefined();
  });

  it('keeps a path in front of the API', async () => {
    const { server } = await start([replyJson(info)]);
    const client = createNodeClient({ baseUrl: `${server.url}/gc/` });
    open.push({ client });
    await client.call('getInfo');
    expect(server.seen[0]?.path).toBe('/gc/api/v1/info');
  });

  it('asks for the token anew before each try', async () => {
    let n = 0;
    const token = () => `t${++n}`;
    const { server, client } = await start([replyRefusal(503, 'unavailable'), replyJson(info)], { token });
    await client.call('getInfo');
    expect(server.seen.map((s) => s.headers.authorization)).toEqual(['Bearer t1', 'Bearer t2']);
  });

  it('takes 204 for nothing', async () => {
    const { client } = await start([replyNothing]);
    expect(await client.call('pullTask', { body: {} })).toBeUndefined();
  });

  it('sends raw bytes with their own headers', async () => {
    const { server, client } = await start([replyJson({ status: 'saved', next_offset: 3, saved_bytes: 3 })]);
    await client.call(
      'appendLog',
      { params: { task_id: taskId }, raw: Buffer.from('abc') },
      { headers: { 'x-log-phase': 'plan', 'x-log-offset': 0 } },
    );
    expect(server.seen[0]?.headers).toMatchObject({
      'x-log-phase': 'plan',
      'x-log-offset': '0',
      'content-type': 'application/octet-stream',
      'content-length': '3',
    });
    expect(server.seen[0]?.body.toString()).toBe('abc');
  });

  it('opens a streamed body again for every try', async () => {
    let opened = 0;
    const raw = {
      open: () => {
        opened += 1;
        return Readable.from([Buffer.from('first '), Buffer.from(`${opened}`)]);
      },
    };
    const { server, client } = await start([cut, replyNothing]);
    await client.call(
      'putPlanFile',
      { params: { task_id: taskId }, headers: { 'x-content-sha256': 'a', 'x-plan-sha256': 'b' }, raw },
      { retry: 'idempotent' },
    );
    expect(server.seen.map((s) => s.body.toString())).toEqual(['first 1', 'first 2']);
    expect(server.seen[1]?.headers['transfer-encoding']).toBe('chunked');
  });

  it('gives a raw answer as a stream', async () => {
    const { client } = await start([(response) => void response.end('state bytes')]);
    const answer = await client.call('downloadState', { params: { workspace_id: 'hello' } });
    const chunks: Uint8Array[] = [];
    for await (const chunk of answer.stream()) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('state bytes');
    expect(answer.size).toBe(11);
  });

  it('checks answers only when asked to', async () => {
    const { client } = await start([replyJson({ odd: 1 })], { validate: routes });
    await expect(client.call('getInfo')).rejects.toThrow(/version/);
    const { client: quick } = await start([replyJson({ odd: 1 })]);
    expect(await quick.call('getInfo')).toEqual({ odd: 1 });
  });
});

describe('a refusal', () => {
  it("is an ApiError with the server's sentence", async () => {
    const { client } = await start([replyRefusal(409, 'locked', { details: { by: 'ann' } })]);
    const error = await client.call('createTask', { body: order }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 409, code: 'locked', details: { by: 'ann' }, requestId: 'req-1' });
    expect((error as Error).message).toBe('Refused as locked.');
  });

  it('by something between has the nearest code', async () => {
    const proxy = (status: number) => (response: import('node:http').ServerResponse) =>
      void response.writeHead(status).end('<html>');
    const { client } = await start([proxy(413), proxy(418), proxy(302)]);
    const codes: string[] = [];
    for (let i = 0; i < 3; i += 1)
      await client.call('getInfo').catch((e: ApiError) => codes.push(`${e.status} ${e.code}`));
    expect(codes).toEqual(['413 too_large', '418 invalid_request', '302 invalid_request']);
  });

  it('waits as long as Retry-After says', async () => {
    const clock = createFakeClock();
    const { client } = await start([replyRefusal(503, 'unavailable', { retryAfter: '7' }), replyJson(info)], { clock });
    const call = client.call('getInfo');
    while (!clock.sleeps.includes(7_000)) await new Promise((r) => setTimeout(r, 1));
    await clock.advance(7_000);
    expect(await call).toEqual(info);
  });
});

describe('no answer', () => {
  it('from nobody is told in a sentence, and certainly was not sent', async () => {
    const { server, client } = await start([replyNothing]);
    await server.close();
    const error = await client.call('createTask', { body: order }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ maybeSent: false, timedOut: false });
    expect((error as Error).message).toMatch(/^Nothing listens at 127\.0\.0\.1:\d+\./);
  });

  it('is retried for reads, and five times at most', async () => {
    const { server, client } = await start([cut]);
    await expect(client.call('getInfo')).rejects.toBeInstanceOf(ConnectionError);
    expect(server.seen).toHaveLength(5);
  });

  it('is not retried for a change without an idempotency key', async () => {
    const { server, client } = await start([cut]);
    await expect(client.call('createTask', { body: order })).rejects.toMatchObject({ maybeSent: true });
    expect(server.seen).toHaveLength(1);
  });

  it('is retried for a change with the same key', async () => {
    const { server, client } = await start([cut, replyJson({ id: taskId })], { newIdempotencyKey: () => 'key-1' });
    await client.call('createTask', { body: order });
    expect(server.seen.map((s) => s.headers['idempotency-key'])).toEqual(['key-1', 'key-1']);
  });

  it('is asked for again when the key is busy and the server says when to come back; any other conflict is an answer', async () => {
    const busy = replyRefusal(409, 'conflict', { retryAfter: '0' });
    const { server, client } = await start([busy, replyJson({ id: taskId }), replyRefusal(409, 'conflict')], {
      newIdempotencyKey: () => 'key-1',
    });
    await client.call('createTask', { body: order });
    expect(server.seen).toHaveLength(2);
    await expect(client.call('createTask', { body: order })).rejects.toMatchObject({ code: 'conflict' });
    expect(server.seen).toHaveLength(3);
  });

  it('is retried for ever when the caller will have an answer', async () => {
    const eleven = Array.from({ length: 11 }, () => cut);
    const { server, client } = await start([...eleven, replyRefusal(500, 'internal'), replyNothing]);
    await client.call(
      'deleteVariable',
      { params: { workspace_id: 'w', variable_id: 'v' } },
      { retry: 'until_answered' },
    );
    expect(server.seen).toHaveLength(13);
  });

  it('that came too slowly is made again', async () => {
    const slow = replyRefusal(408, 'too_slow');
    const { server, client } = await start([slow, replyNothing, slow]);
    await client.call('reportPlan', { params: { task_id: 't' }, body: {} as never }, { retry: 'until_answered' });
    expect(server.seen).toHaveLength(2);
    // Whoever may not repeat it is told.
    const once = client.call('getInfo', {}, { retry: 'never' });
    await expect(once).rejects.toMatchObject({ code: 'too_slow', status: 408 });
  });

  it('within the time is a time-out', async () => {
    const { client } = await start([() => {}]);
    const call = client.call('getInfo', {}, { timeoutMs: 30, retry: 'never' });
    await expect(call).rejects.toMatchObject({ name: 'ConnectionError', timedOut: true });
  });

  it('is also an answer that breaks off', async () => {
    const broken = (response: import('node:http').ServerResponse) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{');
      setImmediate(() => response.socket?.destroy());
    };
    const { server, client } = await start([broken, replyJson(info)]);
    expect(await client.call('getInfo')).toEqual(info);
    expect(server.seen).toHaveLength(2);
  });

  it("ends with the caller's reason, while waiting between tries as well", async () => {
    const { client } = await start([() => {}]);
    const stop = new AbortController();
    const call = client.call('getInfo', {}, { signal: stop.signal });
    const reason = new Error('enough');
    setTimeout(() => stop.abort(reason), 10);
    await expect(call).rejects.toBe(reason);
    const { client: other } = await start([cut], { retry: { baseMs: 60_000, capMs: 60_000 } });
    await expect(other.call('getInfo', {}, { signal: AbortSignal.timeout(20) })).rejects.toThrow(/time/i);
  });
});

describe('connections', () => {
  it('are kept and opened beforehand', async () => {
    const { server, client } = await start([replyJson(info)]);
    expect(await client.preconnect()).toBe(true);
    for (let i = 0; i < 3; i += 1) await client.call('getInfo');
    expect(server.connections()).toBe(1);
  });

  it('survive an upload that was refused before its end', async () => {
    const { client } = await start([replyJson(info)]);
    const early = await import('node:http').then(({ createServer }) =>
      createServer((request, response) => {
        response.writeHead(401, { 'content-type': 'application/json', connection: 'close' });
        response.end(JSON.stringify({ error: 'No.', code: 'unauthenticated', request_id: 'r' }));
        request.resume();
      }),
    );
    await new Promise<void>((resolve) => early.listen(0, '127.0.0.1', resolve));
    const { port } = early.address() as import('node:net').AddressInfo;
    const refused = createNodeClient({ baseUrl: `http://127.0.0.1:${port}` });
    const raw = {
      async *open() {
        for (let i = 0; i < 2_000; i += 1) yield Buffer.alloc(10_000);
      },
    };
    const push = refused.call('pushState', {
      params: { workspace_id: 'w' },
      query: {},
      headers: { 'x-content-sha256': 'a' },
      raw,
    });
    await expect(push).rejects.toMatchObject({ code: 'unauthenticated' });
    refused.close();
    await new Promise((resolve) => early.close(resolve));
    expect(await client.call('getInfo')).toEqual(info);
  });

  it.each([
    ['http://example.com', /plain http to another host/],
    ['ftp://localhost', /no http/],
    ['https://me:secret@example.com', /must not hold/],
    ['nonsense', /no http/],
  ])('are refused to %s', (baseUrl, message) => {
    expect(() => createNodeClient({ baseUrl })).toThrow(message);
    if (baseUrl.includes('secret')) expect(() => createNodeClient({ baseUrl })).not.toThrow(/secret/);
  });

  it.each(['http://localhost:1', 'http://127.0.0.9', 'http://[::1]:80', 'https://example.com'])(
    'are allowed to %s',
    (baseUrl) => {
      expect(createNodeClient({ baseUrl }).baseUrl).toBe(new URL(baseUrl).origin);
    },
  );
});

// Compiled, not run: what the route table says is what a call takes and gives.
export const typed = async (client: Client) => {
  const task = await client.call('createTask', { body: order });
  const status: 'pending' | 'running' | string = task.status;
  // @ts-expect-error the body is missing
  await client.call('createTask');
  // @ts-expect-error no such route
  await client.call('createJob');
  const nothing: undefined = await client.call('revokePoolToken', { params: { id: 'p' as PoolId, token_id: 't' } });
  return { status, nothing };
};
