import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, systemClock } from '@groundcrew/kit';
import type { AttemptId, LogStream, LogStreamInfo, Phase, TaskId, TaskStatus, ViewerFrame } from '@groundcrew/protocol';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { createNodeClient } from '../node/index.ts';
import { type FollowOptions, followLog } from './follow-log.ts';

const taskId = 'task-aaaaaaaaaaaaaaaaaaaa' as TaskId;
const streamOf = (attempt: number, phase: Phase): LogStream => ({
  task_id: taskId,
  phase,
  attempt,
  attempt_id: `att-aaaaaaaaaaaaaaaaaaa${attempt}` as AttemptId,
});

interface Stored {
  stream: LogStream;
  text: string;
}

/** How one connection misbehaves: the frame after which it is cut, and the bytes of one frame. */
interface Connection {
  cutAfter: number;
  frameBytes: number;
}

/** Pauses between tries are not what is tested here. */
const hurried: Clock = { now: systemClock.now, sleep: (ms, signal) => systemClock.sleep(ms / 50, signal) };
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/**
 * A far side that shows a task's log as the server's viewer does: the stream asked for, or the newest plan and what comes after
 * it; `end` when the task has ended or the one stream asked for is over.
 */
async function startLogServer(stored: Stored[], connections: Connection[] = [], status: TaskStatus = 'applied') {
  const queries: Record<string, string>[] = [];
  const server = http.createServer((_request, response) => {
    const items = stored.map(
      ({ stream, text }): LogStreamInfo => ({
        ...stream,
        length: text.length,
        complete: true,
        incomplete_reason: null,
        checksum: null,
        archived: false,
      }),
    );
    response.end(JSON.stringify({ items }));
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, request) => {
    const query = Object.fromEntries(new URL(request.url ?? '', 'http://x').searchParams);
    queries.push(query);
    const connection = connections[queries.length - 1] ?? { cutAfter: Number.POSITIVE_INFINITY, frameBytes: 1_000 };
    serve(socket, framesOf(stored, query, connection.frameBytes, status), connection.cutAfter);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = createNodeClient({
    clock: hurried,
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
  const close = async () => {
    client.close();
    for (const socket of sockets.clients) socket.terminate();
    await new Promise((resolve) => server.close(resolve));
  };
  return { client, queries, close };
}

function serve(socket: WebSocket, frames: ViewerFrame[], cutAfter: number): void {
  for (const frame of frames.slice(0, cutAfter)) socket.send(JSON.stringify(frame));
  if (cutAfter < frames.length) socket.close(1011);
}

function framesOf(
  stored: Stored[],
  query: Record<string, string>,
  frameBytes: number,
  status: TaskStatus,
): ViewerFrame[] {
  const wanted = stored.filter(
    ({ stream }) =>
      (query.phase ?? stream.phase) === stream.phase && (query.attempt ?? `${stream.attempt}`) === `${stream.attempt}`,
  );
  const newestPlan = wanted.findLastIndex(({ stream }) => stream.phase === 'plan');
  const shown = query.phase === undefined ? wanted.slice(Math.max(0, newestPlan)) : wanted.slice(-1);
  const task: ViewerFrame = { type: 'task', task_id: taskId, status, stage: null, progress: null, waiting: null };
  const streams = shown.flatMap((one, index) => streamFrames(one, index === 0 ? Number(query.offset) : 0, frameBytes));
  return [task, ...streams, { type: 'end', task_id: taskId, status }];
}

function streamFrames({ stream, text }: Stored, offset: number, frameBytes: number): ViewerFrame[] {
  const frames: ViewerFrame[] = [{ type: 'stream', stream, offset }];
  for (let at = offset; at < text.length; at += frameBytes) {
    const part = text.slice(at, at + frameBytes);
    frames.push({
      type: 'bytes',
      stream,
      offset: at,
      next_offset: at + part.length,
      written_at: '2026-01-01T00:00:00.000Z',
      content_base64: btoa(part),
    });
  }
  return [...frames, { type: 'stream_end', stream, length: text.length, checksum: null, complete: true }];
}

/** What a reader sees: the text of each stream in order, and how it ended. */
async function read(client: Parameters<typeof followLog>[0], options: Partial<FollowOptions> = {}) {
  const texts: [string, string][] = [];
  const kinds: string[] = [];
  for await (const frame of followLog(client, { taskId, validate: true, ...options })) {
    kinds.push(frame.type);
    if (frame.type === 'stream') texts.push([`${frame.stream.phase} ${frame.stream.attempt}`, '']);
    if (frame.type === 'bytes') texts.at(-1)![1] += atob(frame.content_base64);
  }
  return { texts, kinds };
}

const plan = { stream: streamOf(1, 'plan'), text: 'plan: 1 to add\n'.repeat(20) };
const apply = { stream: streamOf(2, 'apply'), text: 'apply: creating\n'.repeat(30) };

describe('following a log', () => {
  it('shows plan, then apply, then the end', async () => {
    const { client, close } = await startLogServer([plan, apply]);
    closers.push(close);
    const { texts, kinds } = await read(client);
    expect(texts).toEqual([
      ['plan 1', plan.text],
      ['apply 2', apply.text],
    ]);
    expect(kinds.filter((kind) => kind !== 'bytes')).toEqual([
      'task',
      'stream',
      'stream_end',
      'stream',
      'stream_end',
      'end',
    ]);
  });

  it('shows one phase from an offset', async () => {
    const { client, close, queries } = await startLogServer([plan, apply]);
    closers.push(close);
    const { texts } = await read(client, { phase: 'apply', offset: 16 });
    expect(texts).toEqual([['apply 2', apply.text.slice(16)]]);
    expect(queries).toEqual([{ task_id: taskId, format: 'bytes', phase: 'apply', offset: '16' }]);
  });

  it('goes on at the byte where a connection broke, asking for that stream only', async () => {
    const { client, close, queries } = await startLogServer([plan, apply], [{ cutAfter: 7, frameBytes: 200 }]);
    closers.push(close);
    const breaks: string[] = [];
    const { texts, kinds } = await read(client, { onBreak: (reason) => breaks.push(reason) });
    expect(texts.map(([, text]) => text)).toEqual([plan.text, apply.text]);
    expect(queries[1]).toMatchObject({ phase: 'apply', attempt: '2', offset: '200' });
    expect(queries).toHaveLength(2);
    expect(breaks).toEqual(['closed with code 1011']);
    expect(kinds.at(-1)).toBe('end');
  });

  it('finds the streams that came up while it was away', async () => {
    const lost = { stream: streamOf(2, 'apply'), text: 'returned\n' };
    const second = { stream: streamOf(3, 'apply'), text: 'second try\n'.repeat(9) };
    const { client, close } = await startLogServer([plan, lost, second], [{ cutAfter: 2, frameBytes: 50 }]);
    closers.push(close);
    const { texts } = await read(client);
    expect(texts.map(([name]) => name)).toEqual(['plan 1', 'apply 2', 'apply 3']);
    expect(texts.map(([, text]) => text)).toEqual([plan.text, lost.text, second.text]);
  });

  it('shows every byte once, wherever and however often connections break', async () => {
    const connection = fc.record({
      cutAfter: fc.integer({ min: 0, max: 9 }),
      frameBytes: fc.integer({ min: 30, max: 300 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(connection, { maxLength: 4 }), async (connections) => {
        const { client, close } = await startLogServer([plan, apply], connections);
        try {
          const { texts, kinds } = await read(client);
          expect(texts.map(([, text]) => text)).toEqual([plan.text, apply.text]);
          expect(kinds.filter((kind) => kind === 'stream_end' || kind === 'end')).toEqual([
            'stream_end',
            'stream_end',
            'end',
          ]);
        } finally {
          await close();
        }
      }),
      { numRuns: 60 },
    );
  }, 30_000);

  it("throws the server's refusal", async () => {
    const server = http.createServer();
    server.on('upgrade', (_request, socket) => {
      const body = JSON.stringify({ error: 'There is no such task.', code: 'not_found', request_id: 'r' });
      socket.end(`HTTP/1.1 404 Not Found\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => new Promise((resolve) => server.close(resolve)));
    const client = createNodeClient({
      clock: hurried,
      baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    });
    await expect(read(client)).rejects.toMatchObject({
      name: 'ApiError',
      code: 'not_found',
      message: 'There is no such task.',
    });
  });

  it("stops with the caller's reason, and when the reader has had enough", async () => {
    const { client, close } = await startLogServer(
      [plan],
      [
        { cutAfter: 0, frameBytes: 1 },
        { cutAfter: 0, frameBytes: 1 },
      ],
    );
    closers.push(close);
    const reason = new Error('enough');
    await expect(read(client, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const stop = new AbortController();
    await expect(read(client, { signal: stop.signal, onBreak: () => stop.abort(reason) })).rejects.toBe(reason);
    for await (const frame of followLog(client, { taskId })) {
      expect(frame.type).toBe('task');
      break;
    }
  });

  it('gives up on a server that leaves bytes out', async () => {
    const hole: ViewerFrame[] = [
      { type: 'stream', stream: plan.stream, offset: 0 },
      {
        type: 'bytes',
        stream: plan.stream,
        offset: 7,
        next_offset: 9,
        written_at: '2026-01-01T00:00:00.000Z',
        content_base64: btoa('xx'),
      },
    ];
    const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    sockets.on('connection', (socket) => serve(socket, hole, 2));
    await new Promise((resolve) => sockets.once('listening', resolve));
    closers.push(() => new Promise((resolve) => sockets.close(resolve)));
    const client = createNodeClient({
      clock: hurried,
      baseUrl: `http://127.0.0.1:${(sockets.address() as AddressInfo).port}`,
    });
    await expect(read(client)).rejects.toThrow(/left out a part of the log/);
  });
});
