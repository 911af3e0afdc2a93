import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createLogger, sha256Hex } from '@groundcrew/kit';
import type { AttemptId, TaskId } from '@groundcrew/protocol';
import { createTemporaryFolder, type TemporaryFolder } from '@groundcrew/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  acceptOffer,
  exitRecord,
  type LiveServer,
  makeCrew,
  makeTask,
  makeWorkspace,
  startLiveServer,
  type TestAgent,
} from '../tasks/live-server-for-tests.ts';
import { createArchive } from './archive.ts';
import { createLogsService, type LogsService } from './service.ts';

const MIB = 1024 * 1024;
let server: LiveServer;
let folder: TemporaryFolder;
let logs: LogsService;
beforeAll(async () => {
  server = await startLiveServer();
  folder = createTemporaryFolder('archive');
  const logger = createLogger({ name: 'test', level: 'silent' });
  const limits = { headBytes: 2 * MIB, tailBytes: 4 * MIB };
  logs = createLogsService({ ...server, logger, limits, archive: createArchive(folder.path) });
});
afterAll(async () => {
  await server.close();
  folder.remove();
});

/** An attempt that wrote these chunks. */
async function write(chunks: readonly Buffer[]) {
  const { pool, agents } = await makeCrew(server);
  const task = await makeTask(server, (await makeWorkspace(server, pool.id)).workspace_id);
  const attempt = await acceptOffer(server, agents[0] as TestAgent, task.id);
  const key = { attemptId: attempt.id as AttemptId, taskId: task.id as TaskId, phase: 'plan' as const };
  const append = (offset: number, content: Buffer) =>
    logs.append(key, 'plan', {
      offset,
      content,
      checksum: sha256Hex(content),
      writtenAt: new Date(1_000_000 + offset),
    });
  let offset = 0;
  for (const chunk of chunks) offset = (await append(offset, chunk)).nextOffset;
  const end = { phase: 'plan', length: offset, checksum: sha256Hex(Buffer.concat(chunks)) };
  return { attempt, key, append, finish: () => attempt.must('finishAttempt', { body: exitRecord({ logs: [end] }) }) };
}

const countRows = async (attemptId: string) =>
  (await server.db.selectFrom('log_segments').select('offset').where('attempt_id', '=', attemptId).execute()).length;

test('a finished log moves to the archive, and readers do not notice', async () => {
  const chunks = Array.from({ length: 300 }, (_, n) => Buffer.from(`${n} ${'é'.repeat(n * 17)}\n`));
  const { key, append, finish } = await write(chunks);
  expect(await logs.archiveFinished(0)).toBe(0);
  await finish();
  const read = async () => {
    const parts: unknown[] = [];
    for (const [offset, bytes] of [
      [0, 100 * MIB],
      [5, 1],
      [70_001, 40_000],
      [700_000, 900_000],
    ] as const)
      parts.push(await logs.readSegments(key, offset, bytes));
    return parts;
  };
  const before = await read();
  expect(await logs.archiveFinished(0)).toBe(1);
  expect(await countRows(key.attemptId)).toBe(0);
  expect(await read()).toEqual(before);
  expect(await logs.findStream(key)).toMatchObject({ whole: true, archivedKey: expect.stringContaining(key.taskId) });
  // A runner whose last answer was lost says the same again.
  const last = chunks.at(-1) as Buffer;
  const length = Buffer.concat(chunks).length;
  expect(await append(length - last.length, last)).toMatchObject({ nextOffset: length, savedBytes: 0 });
  await expect(append(length - last.length, Buffer.alloc(last.length, 'y'))).rejects.toThrow('differs');
  const file = readdirSync(folder.path, { recursive: true })
    .map(String)
    .find((name) => name.endsWith('.gz'));
  const plain = gunzipSync(readFileSync(join(folder.path, file as string)));
  expect(plain.equals(Buffer.concat(chunks))).toBe(true);
  expect(await logs.archiveFinished(0)).toBe(0);
});

test('a gap and late bytes behind an archived log are read in their order', async () => {
  const chunks = Array.from({ length: 12 }, (_, n) => Buffer.alloc(MIB, String.fromCharCode(97 + n)));
  const { attempt, key, append } = await write(chunks);
  await attempt.must('returnAttempt', { body: { reason: 'no disk' } });
  expect(await logs.archiveFinished(0)).toBe(0);
  await server.db
    .updateTable('log_streams')
    .set({ updated_at: new Date(Date.now() - 8 * 86_400_000) })
    .where('attempt_id', '=', key.attemptId)
    .execute();
  const before = await logs.readSegments(key, 0, 100 * MIB);
  expect(before.some(({ gap }) => gap)).toBe(true);
  expect(await logs.archiveFinished(0)).toBe(1);
  await append(12 * MIB, Buffer.from('late'));
  const after = await logs.readSegments(key, 0, 100 * MIB);
  expect(
    after.slice(0, -1).map(({ offset, length, gap, content }) => [offset, length, gap, sha256Hex(content)]),
  ).toEqual(before.map(({ offset, length, gap, content }) => [offset, length, gap, sha256Hex(content)]));
  expect(after.at(-1)).toMatchObject({ offset: 12 * MIB, content: Buffer.from('late') });
});
