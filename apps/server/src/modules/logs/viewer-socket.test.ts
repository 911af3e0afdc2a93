import { type LogSocketQuery, type Permission, SOCKETS, type TaskId, type ViewerFrame } from '@groundcrew/protocol';
import { waitFor } from '@groundcrew/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import {
  acceptOffer,
  beginApply,
  exitRecord,
  type LiveServer,
  logChunk,
  logEnd,
  makeBoundlessAgent,
  makeTask,
  makeWorkspace,
  startLiveServer,
  storePlan,
  type TestAgent,
  type TestAttempt,
} from '../tasks/live-server-for-tests.ts';
import { registerViewerSocket, type ViewerSocketDeps } from './viewer-socket.ts';

let server: LiveServer;
let agent: TestAgent;
let poolId: string;
beforeAll(async () => {
  server = await startLiveServer();
  ({ agent, poolId } = await makeBoundlessAgent(server));
});
afterAll(() => server.close());

async function begin(given: Record<string, unknown> = {}): Promise<TestAttempt> {
  const task = await makeTask(server, (await makeWorkspace(server, poolId)).workspace_id, given);
  return acceptOffer(server, agent, task.id);
}

/** Appends at the end of what was appended before. */
function createWriter(attempt: TestAttempt, phase: 'plan' | 'apply') {
  let whole = '';
  return {
    async write(text: string): Promise<void> {
      await attempt.must('appendLog', { body: logChunk(phase, Buffer.byteLength(whole), text) });
      whole += text;
    },
    end: () => logEnd(phase, whole),
    whole: () => whole,
  };
}

/** A viewer that notes what it is sent. */
function view(taskId: string, query: Partial<LogSocketQuery> = {}, token = server.owner) {
  const search = new URLSearchParams({ task_id: taskId, format: 'bytes', ...(query as Record<string, string>) });
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}${SOCKETS.viewerLogs}?${search}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const frames: ViewerFrame[] = [];
  let closed: number | undefined;
  let failed: Error | undefined;
  socket.on('message', (data) => frames.push(JSON.parse(String(data)) as ViewerFrame));
  socket.on('close', (code) => {
    closed = code;
  });
  socket.on('error', (error) => {
    failed = error;
  });
  const shown = { plan: [] as Buffer[], apply: [] as Buffer[] };
  socket.on('message', () => {
    const last = frames.at(-1);
    if (last?.type === 'bytes') shown[last.stream.phase].push(Buffer.from(last.content_base64, 'base64'));
  });
  const text = (phase: 'plan' | 'apply') => Buffer.concat(shown[phase]).toString();
  const sizeOf = (phase: 'plan' | 'apply') => shown[phase].reduce((sum, { length }) => sum + length, 0);

  return {
    frames,
    text,
    socket,
    kinds: () =>
      frames.flatMap((f) =>
        f.type === 'stream' || f.type === 'stream_end'
          ? [`${f.type} ${f.stream.phase} ${f.stream.attempt}`]
          : f.type === 'end'
            ? [`end ${f.status}`]
            : [],
      ),
    sees: (phase: 'plan' | 'apply', wanted: string) =>
      waitFor(
        `${wanted.length} characters of the ${phase}'s log`,
        () => sizeOf(phase) === Buffer.byteLength(wanted) && text(phase) === wanted,
        30_000,
      ),
    over: () => waitFor('the end of the view', () => (closed === 1000 ? frames : undefined)),
    failure: () => waitFor('a refusal', () => failed),
    leave: () => socket.terminate(),
  };
}

test('catches up, follows live and ends with length and checksum', async () => {
  const attempt = await begin();
  const log = createWriter(attempt, 'plan');
  await log.write('before anybody looked\n');
  const viewer = view(attempt.taskId);
  await viewer.sees('plan', log.whole());
  for (let n = 0; n < 20; n += 1) await log.write(`line ${n}\n`);
  await viewer.sees('plan', log.whole());
  await attempt.must('finishAttempt', { body: exitRecord({ logs: [log.end()] }) });
  const frames = await viewer.over();
  expect(frames.find((f) => f.type === 'stream_end')).toMatchObject({
    length: log.end().length,
    checksum: log.end().checksum,
    complete: true,
  });
  expect(viewer.kinds()).toEqual(['stream plan 1', 'stream_end plan 1', 'end success']);
});

test('an attempt that plans and applies is followed through both, live', async () => {
  const attempt = await begin({ task_type: 'plan_and_apply', auto_approve: true });
  const [plan, apply] = [createWriter(attempt, 'plan'), createWriter(attempt, 'apply')];
  const viewer = view(attempt.taskId);
  await plan.write('the plan\n');
  await viewer.sees('plan', 'the plan\n');
  const { planChecksum } = await storePlan(attempt);
  await beginApply(attempt, planChecksum);
  await apply.write('the apply\n');
  await viewer.sees('apply', 'the apply\n');
  await plan.write('a late word\n');
  await viewer.sees('plan', 'the plan\na late word\n');
  await apply.write('and on\n');
  await viewer.sees('apply', 'the apply\nand on\n');
  const body = exitRecord({ logs: [plan.end(), apply.end()], plan_checksum: planChecksum });
  await attempt.must('finishAttempt', { body });
  await viewer.over();
  expect(viewer.kinds()).toEqual([
    'stream plan 1',
    'stream apply 1',
    'stream_end plan 1',
    'stream_end apply 1',
    'end applied',
  ]);
});

test('a retried attempt comes after the one before; who comes late begins with the newest plan', async () => {
  const first = await begin();
  const viewer = view(first.taskId);
  await createWriter(first, 'plan').write('first try\n');
  await viewer.sees('plan', 'first try\n');
  await first.must('returnAttempt', { body: { reason: 'no disk' } });
  await server.db.updateTable('tasks').set({ passed_over: '[]' }).where('id', '=', first.taskId).execute();
  await server.modules.tasks.dispatcher.pass();
  const second = await acceptOffer(server, agent, first.taskId);
  const log = createWriter(second, 'plan');
  await log.write('second try\n');
  await viewer.sees('plan', 'first try\nsecond try\n');
  const late = view(first.taskId);
  await late.sees('plan', 'second try\n');
  await second.must('finishAttempt', { body: exitRecord({ logs: [log.end()] }) });
  await Promise.all([viewer.over(), late.over()]);
  expect(viewer.kinds()).toEqual([
    'stream plan 1',
    'stream_end plan 1',
    'stream plan 2',
    'stream_end plan 2',
    'end success',
  ]);
  const one = view(first.taskId, { phase: 'plan', attempt: 1 });
  await one.over();
  expect([one.text('plan'), one.kinds()[0]]).toEqual(['first try\n', 'stream plan 1']);
});

test('a viewer that breaks off and comes back by offset has seen every byte once', async () => {
  const attempt = await begin();
  const log = createWriter(attempt, 'plan');
  const seen: Buffer[] = [];
  let offset = 0;
  for (let round = 0; round < 8; round += 1) {
    await log.write(`round ${round} ${'é'.repeat(500)}\n`);
    const viewer = view(attempt.taskId, { phase: 'plan', offset });
    await waitFor('bytes', () => viewer.frames.some((f) => f.type === 'bytes'));
    viewer.leave();
    for (const frame of viewer.frames) {
      if (frame.type !== 'bytes') continue;
      expect(frame.offset).toBe(offset);
      seen.push(Buffer.from(frame.content_base64, 'base64'));
      offset = frame.next_offset;
    }
  }
  expect(Buffer.concat(seen).toString()).toBe(log.whole());
});

test('lines carry their offsets, whatever the chunks; what was left out is one line', async () => {
  const attempt = await begin();
  const log = createWriter(attempt, 'plan');
  await log.write('one\ntw');
  await log.write('o\n');
  await log.write('│ Error: three\nfour');
  await attempt.must('finishAttempt', { body: exitRecord({ logs: [log.end()] }) });
  const viewer = view(attempt.taskId, { format: 'lines' });
  await viewer.over();
  const lines = viewer.frames.flatMap((f) => (f.type === 'lines' ? f.lines : []));
  expect(lines.map(({ line, offset, level }) => [line, offset, level])).toEqual([
    ['one', 0, 'info'],
    ['two', 4, 'info'],
    ['│ Error: three', 8, 'error'],
    ['four', 25, 'info'],
  ]);
});

test('one slow viewer holds up nobody, and several cost one reader', async () => {
  const attempt = await begin();
  const log = createWriter(attempt, 'plan');
  await log.write('begin\n');
  const slow = view(attempt.taskId);
  await slow.sees('plan', 'begin\n');
  slow.socket.pause();
  const quick = Array.from({ length: 5 }, () => view(attempt.taskId));
  await Promise.all(quick.map((viewer) => viewer.sees('plan', 'begin\n')));
  const megabyte = `${'x'.repeat(1023)}\n`.repeat(1024);
  for (let n = 0; n < 6; n += 1) await log.write(megabyte);
  await Promise.all(quick.map((viewer) => viewer.sees('plan', log.whole())));
  expect(slow.text('plan')).toBe('begin\n');
  slow.socket.resume();
  await slow.sees('plan', log.whole());
  await attempt.must('finishAttempt', { body: exitRecord({ logs: [log.end()] }) });
  await Promise.all([slow, ...quick].map((viewer) => viewer.over()));
});

test('a task that ends without a log ends the view; strangers are refused', async () => {
  const task = await makeTask(server, (await makeWorkspace(server, poolId)).workspace_id);
  const viewer = view(task.id);
  await waitFor('the task', () => viewer.frames.some((f) => f.type === 'task'));
  await server.must('cancelTask', server.owner, { params: { task_id: task.id }, body: {} });
  await viewer.over();
  expect(viewer.kinds()).toEqual(['end cancelled']);
  expect((await view(task.id, {}, 'gct_nobody').failure()).message).toContain('401');
  expect((await view('task-aaaaaaaaaaaaaaaaaaaa').failure()).message).toContain('404');
});

test('a viewer may stay only while the token counts, the right is there and the task is', async () => {
  const user = { kind: 'user', organizationId: 'org-a', userId: 'u', name: 'ann', role: 'owner' };
  let permissions: Set<Permission> | undefined = new Set<Permission>(['task:read']);
  let isThere = true;
  const specs: Parameters<ViewerSocketDeps['hub']['register']>[1][] = [];
  registerViewerSocket({
    hub: { register: (_path: string, spec: (typeof specs)[0]) => void specs.push(spec) },
    authenticators: {
      user: async () =>
        permissions && { ...user, permissions, rights: { everywhere: permissions, onWorkspaces: new Map() } },
    },
    findWorkspace: async () => (isThere ? 'ws-a' : undefined),
  } as unknown as ViewerSocketDeps);
  const [spec] = specs as [(typeof specs)[0]];
  const query = { task_id: 'task-a' as TaskId };
  const viewer = await spec.authenticate({
    token: 'gct_x',
    credential: { kind: 'bearer', token: 'gct_x' },
    query,
    headers: {},
    address: '',
    requestId: '',
  });
  expect(await spec.mayStay?.(viewer)).toBe(true);
  isThere = false;
  expect(await spec.mayStay?.(viewer)).toBe(false);
  isThere = true;
  permissions = new Set();
  expect(await spec.mayStay?.(viewer)).toBe(false);
  permissions = undefined;
  expect(await spec.mayStay?.(viewer)).toBe(false);
});
