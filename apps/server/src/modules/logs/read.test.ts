import { createLogger, sha256Hex } from '@groundcrew/kit';
import type { AttemptId, TaskId } from '@groundcrew/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  acceptOffer,
  type LiveServer,
  logChunk,
  makeCrew,
  makeTask,
  makeWorkspace,
  startLiveServer,
  type TestAgent,
  type TestAttempt,
} from '../tasks/live-server-for-tests.ts';
import { createLinesPresenter, presentStream } from './present-frames.ts';
import { createLogsService } from './service.ts';

let server: LiveServer;
let attempt: TestAttempt;
let poolId: string;
let agent: TestAgent;
beforeAll(async () => {
  server = await startLiveServer();
  const crew = await makeCrew(server);
  poolId = crew.pool.id;
  agent = crew.agents[0] as TestAgent;
  attempt = await begin();
  await attempt.must('appendLog', { body: logChunk('plan', 0, '\u001b[1mbold\u001b[0m and ') });
  await attempt.must('appendLog', { body: logChunk('plan', 17, 'plain\n') });
});
afterAll(() => server.close());

async function begin(): Promise<TestAttempt> {
  const task = await makeTask(server, (await makeWorkspace(server, poolId)).workspace_id);
  return acceptOffer(server, agent, task.id);
}

const read = (query: Record<string, string | number>, headers: Record<string, string> = {}, of = attempt) =>
  server.call('readLog', server.owner, { params: { task_id: of.taskId }, query, headers });

test('a part is read by offset and limit, and says where to go on', async () => {
  const { body } = await read({ offset: 4, limit: 6 });
  expect(body).toMatchObject({ offset: 4, next_offset: 10, length: 23, complete: false, checksum: null });
  expect(Buffer.from(body.content_base64, 'base64').toString()).toBe('bold\u001b[');
  expect((await read({ offset: 23 })).body).toMatchObject({ next_offset: 23, content_base64: '' });
  expect((await read({ phase: 'apply' })).status).toBe(404);
  expect((await read({ attempt: 2 })).status).toBe(404);
});

test('plain text comes with colours or without, and by range', async () => {
  const accept = { accept: 'text/plain' };
  expect((await read({ strip: 'true' }, accept)).text).toBe('bold and plain\n');
  const part = await read({}, { ...accept, range: 'bytes=17-21' });
  expect([part.status, part.text, part.headers.get('content-range')]).toEqual([206, 'plain', 'bytes 17-21/23']);
  const rest = await read({}, { ...accept, range: 'bytes=17-' });
  expect([rest.status, rest.text]).toEqual([206, 'plain\n']);
  const beyond = await read({}, { ...accept, range: 'bytes=100-' });
  expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */23']);
});

test('a log past its limit keeps head and tail, with a marker between that reads in any pieces', async () => {
  const { db, bus } = server;
  const MIB = 1024 * 1024;
  const limits = { headBytes: 2 * MIB, tailBytes: 3 * MIB };
  const logs = createLogsService({ db, bus, logger: createLogger({ name: 'test', level: 'silent' }), limits });
  const large = await begin();
  const key = { attemptId: large.id as AttemptId, taskId: large.taskId as TaskId };
  const chunks = Array.from({ length: 20 }, (_, n) => Buffer.from(`${String(n).padStart(3, '0')}\n`.repeat(MIB / 4)));
  for (const [n, content] of chunks.entries())
    await logs.append(key, 'plan', { offset: n * MIB, content, checksum: sha256Hex(content), writtenAt: new Date() });
  const stream = { attemptId: key.attemptId, phase: 'plan' as const };
  const segments = await logs.readSegments(stream, 0, 100 * MIB);
  const gaps = segments.filter(({ gap }) => gap);
  expect(gaps).toHaveLength(1);
  const [{ offset: gapAt, length: gapLength } = { offset: 0, length: 0 }] = gaps;
  expect(gapAt).toBe(2 * MIB);
  expect(segments.reduce((sum, { length }) => sum + length, 0)).toBe(20 * MIB);
  // What a gap swallowed counts as known: a runner that resends it is not held up.
  const again = chunks[3] as Buffer;
  expect(
    await logs.append(key, 'plan', {
      offset: 3 * MIB,
      content: again,
      checksum: sha256Hex(again),
      writtenAt: new Date(),
    }),
  ).toMatchObject({ nextOffset: 20 * MIB, savedBytes: 0 });

  const pieces: string[] = [];
  for (let offset = 0; offset < 20 * MIB; ) {
    const { body } = await read({ offset, limit: 700_000 }, {}, large);
    pieces.push(Buffer.from(body.content_base64, 'base64').toString());
    expect(body.next_offset).toBeGreaterThan(offset);
    offset = body.next_offset;
  }
  const whole = segments.map(({ content }) => content.toString()).join('');
  expect(pieces.join('') === whole).toBe(true);

  const stored = await logs.findStream(stream);
  const presenter = createLinesPresenter(presentStream(stored as NonNullable<typeof stored>), 0);
  const frames = segments.flatMap(presenter.present).concat(presenter.flush());
  const lines = frames.flatMap((frame) => (frame.type === 'lines' ? frame.lines : []));
  const marker = lines.findIndex(({ line }) => line.includes('left out here'));
  expect(lines[marker]?.offset).toBe(gapAt);
  expect(lines[marker + 1]?.offset).toBe(gapAt + gapLength);
  let at = 0;
  for (const frame of frames) {
    if (frame.type !== 'lines') continue;
    expect(frame.offset).toBe(at);
    at = frame.next_offset;
  }
  expect(at).toBe(20 * MIB);
});
