import { sha256Hex } from '@groundcrew/kit';
import { waitFor } from '@groundcrew/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  acceptOffer,
  exitRecord,
  type LiveServer,
  logChunk,
  logEnd,
  makeCrew,
  makeTask,
  makeWorkspace,
  startLiveServer,
  type TestAgent,
  type TestAttempt,
} from '../tasks/live-server-for-tests.ts';

let server: LiveServer;
let agents: TestAgent[];
let poolId: string;
beforeAll(async () => {
  server = await startLiveServer();
  const crew = await makeCrew(server);
  agents = crew.agents;
  poolId = crew.pool.id;
});
afterAll(() => server.close());

/** A running plan on a workspace of its own, on an agent with room. */
async function begin(): Promise<TestAttempt> {
  await server.db
    .updateTable('agents')
    .set({ limits: JSON.stringify({ max_concurrent_jobs: 1000 }) })
    .execute();
  await server.db.updateTable('pools').set({ max_plan_concurrency: 1000 }).execute();
  const workspace = await makeWorkspace(server, poolId);
  const task = await makeTask(server, workspace.workspace_id);
  return acceptOffer(server, agents[0] as TestAgent, task.id);
}

const append = (attempt: TestAttempt, offset: number, content: string | Buffer) =>
  attempt.call('appendLog', { body: logChunk('plan', offset, content) });

async function readAll(attempt: TestAttempt): Promise<string> {
  const params = { task_id: attempt.taskId };
  return (await server.call('readLog', server.owner, { params, headers: { accept: 'text/plain' } })).text;
}

const listStreams = async (attempt: TestAttempt) =>
  (await server.must('listLogStreams', server.owner, { params: { task_id: attempt.taskId } })).items;

test('chunks follow each other; an overlap that is the same counts once, in part or in whole', async () => {
  const attempt = await begin();
  expect((await append(attempt, 0, 'hello ')).body).toMatchObject({ next_offset: 6, saved_bytes: 6 });
  expect((await append(attempt, 6, 'world')).body).toMatchObject({ next_offset: 11, saved_bytes: 5 });
  expect((await append(attempt, 6, 'world')).body).toMatchObject({ next_offset: 11, saved_bytes: 0 });
  expect((await append(attempt, 0, 'hello world')).body).toMatchObject({ next_offset: 11, saved_bytes: 0 });
  expect((await append(attempt, 3, 'lo world, and more')).body).toMatchObject({ next_offset: 21, saved_bytes: 10 });
  expect(await readAll(attempt)).toBe('hello world, and more');
});

test('another overlap, a hole and a wrong checksum are refused, and nothing is stored', async () => {
  const attempt = await begin();
  expect((await append(attempt, 5, 'x')).body).toMatchObject({ code: 'offset_mismatch', details: { next_offset: 0 } });
  await append(attempt, 0, 'hello');
  const differs = await append(attempt, 3, 'LO world');
  expect(differs.status).toBe(409);
  expect(differs.body).toMatchObject({ code: 'offset_mismatch', details: { next_offset: 5 } });
  expect((await append(attempt, 6, 'x')).body).toMatchObject({ code: 'offset_mismatch', details: { next_offset: 5 } });
  const broken = { ...logChunk('plan', 5, ' world'), checksum: sha256Hex('another') };
  expect((await attempt.call('appendLog', { body: broken })).status).toBe(422);
  expect(await readAll(attempt)).toBe('hello');
});

test('twenty of the same at once have exactly one effect, also for the first chunk', async () => {
  const attempt = await begin();
  const first = await Promise.all(Array.from({ length: 20 }, () => append(attempt, 0, 'first ')));
  expect(first.map(({ body }) => body.next_offset)).toEqual(Array(20).fill(6));
  expect(first.reduce((sum, { body }) => sum + body.saved_bytes, 0)).toBe(6);
  const second = await Promise.all(Array.from({ length: 20 }, () => append(attempt, 6, 'second')));
  expect(second.reduce((sum, { body }) => sum + body.saved_bytes, 0)).toBe(6);
  expect(await readAll(attempt)).toBe('first second');
});

test('what comes as gzip is checked unpacked and read back as it was', async () => {
  const { gzipSync } = await import('node:zlib');
  const attempt = await begin();
  const text = 'many times the same\n'.repeat(5_000);
  const headers = {
    'content-type': 'application/octet-stream',
    'content-encoding': 'gzip',
    'x-log-phase': 'plan',
    'x-log-offset': '0',
    'x-content-sha256': sha256Hex(text),
  };
  await attempt.must('appendLog', { body: gzipSync(text), headers });
  expect((await append(attempt, 10, text.slice(10, 50_000))).body).toMatchObject({ saved_bytes: 0 });
  expect(await readAll(attempt)).toBe(text);
  const garbage = await attempt.call('appendLog', { body: Buffer.from('not gzip'), headers });
  expect(garbage.body.code).toBe('invalid_request');
});

test('the exit record may come before the last chunk or after it', async () => {
  const early = await begin();
  await append(early, 0, 'half ');
  const record = exitRecord({ logs: [logEnd('plan', 'half and half')] });
  expect(await early.must('finishAttempt', { body: record })).toEqual({ confirmed: false, missing: ['plan_log'] });
  await append(early, 5, 'and half');
  expect(await early.must('finishAttempt', { body: record })).toEqual({ confirmed: true, missing: [] });
  expect((await append(early, 13, 'behind the end')).status).toBe(409);

  const late = await begin();
  await append(late, 0, 'all of it');
  const whole = exitRecord({ logs: [logEnd('plan', 'all of it')] });
  expect(await late.must('finishAttempt', { body: whole })).toEqual({ confirmed: true, missing: [] });
  const [stream] = await listStreams(late);
  expect(stream).toMatchObject({ complete: true, incomplete_reason: null, checksum: sha256Hex('all of it') });
});

test('a log that is not what the exit record names is marked, and people are told', async () => {
  const attempt = await begin();
  await append(attempt, 0, 'as it was sent');
  const record = exitRecord({ logs: [{ phase: 'plan', length: 14, checksum: sha256Hex('as it was meant') }] });
  await attempt.must('finishAttempt', { body: record });
  await server.modules.logs.service.settled();
  const [stream] = await listStreams(attempt);
  expect(stream?.incomplete_reason).toContain(sha256Hex('as it was sent'));
  await waitFor('the alert', async () => {
    const { items } = await server.must('listTaskEvents', server.owner, { params: { task_id: attempt.taskId } });
    return items.some(({ kind }) => kind === 'alert');
  });
});

test('after its attempt has ended a log counts as incomplete, and late bytes still make it whole', async () => {
  const attempt = await begin();
  await append(attempt, 0, 'before the end, ');
  await attempt.must('returnAttempt', { body: { reason: 'the disk is full' } });
  const read = async () => (await listStreams(attempt))[0];
  expect(await read()).toMatchObject({ complete: true, incomplete_reason: expect.stringContaining('returned') });
  await append(attempt, 16, 'behind it');
  expect(await read()).toMatchObject({ length: 25, complete: true, incomplete_reason: expect.any(String) });
  await attempt.must('finishAttempt', {
    body: exitRecord({ logs: [logEnd('plan', 'before the end, behind it')] }),
  });
  expect(await read()).toMatchObject({ complete: true, incomplete_reason: null });
});

test('a stream that begins only after its attempt has ended is not waited for', async () => {
  const attempt = await begin();
  await attempt.must('returnAttempt', { body: { reason: 'no room' } });
  await append(attempt, 0, 'late');
  const [stream] = await listStreams(attempt);
  expect(stream).toMatchObject({ length: 4, complete: true, incomplete_reason: expect.any(String) });
});
