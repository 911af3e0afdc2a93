import type { Pool, TaskId } from '@groundcrew/protocol';
import { SOCKETS, ViewerFrame } from '@groundcrew/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createLab,
  createTask,
  createWorkspace,
  type Lab,
  plain,
  pushExample,
  pushFiles,
  type RunningServer,
  readWholeLog,
  runTask,
  SKIP_TERRAFORM,
  setVariable,
  startServerWithAgent,
  waitForEnd,
  watchTask,
} from './harness/index.ts';

describe.skipIf(SKIP_TERRAFORM)('logs', () => {
  let lab: Lab;
  let server: RunningServer;
  let pool: Pool;

  beforeAll(async () => {
    lab = await createLab();
    ({ server, pool } = await startServerWithAgent(lab));
  });
  afterAll(() => lab?.close());

  const workspaceWith = async (files: Record<string, string>) => {
    const workspace = await createWorkspace(server, { pool, auto_approve: true });
    await pushFiles(server, workspace, files);
    return workspace;
  };
  const printing = (command: string) => `resource "terraform_data" "p" {
    provisioner "local-exec" {
      command     = ${JSON.stringify(command)}
      interpreter = ["/bin/bash", "-c"]
    }
  }`;

  test('progress rises to the end while resources are made, and names those being made', async () => {
    const workspace = await workspaceWith({
      'main.tf': `resource "terraform_data" "r" {
        count = 16
        provisioner "local-exec" { command = "sleep 1" }
      }`,
    });
    const { id } = await createTask(server, workspace, { parallelism: 4 });
    const watched = watchTask(server, id);
    expect(await waitForEnd(server, id)).toMatchObject({ status: 'applied', changes_add: 16 });
    await watched.done;
    const seen = watched.frames.flatMap((frame) => (frame.type === 'task' && frame.progress ? [frame.progress] : []));
    const done = seen.map((progress) => progress.done);
    expect(new Set(seen.map(({ total }) => total))).toEqual(new Set([16]));
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    // Four waves of a second each; a busy machine may tell two of them together.
    expect(new Set(done).size).toBeGreaterThanOrEqual(3);
    expect(
      seen.some(
        ({ running }) => running.length === 4 && running.every((address) => /^terraform_data\.r\[\d+\]$/.test(address)),
      ),
    ).toBe(true);
  });

  test('many resources: all of them in the log, in the counts and in the state', async () => {
    const workspace = await createWorkspace(server, { pool, auto_approve: true });
    await pushExample(server, workspace, 'many-resources');
    await setVariable(server, workspace, { key: 'resources', value: '200' });
    const { id } = await runTask(server, workspace);
    expect(await waitForEnd(server, id)).toMatchObject({ status: 'applied', changes_add: 200 });
    const log = plain((await readWholeLog(server, id, 'apply')).text);
    expect(log.match(/Creation complete after/g)).toHaveLength(200);
    const state = await server.client.call('downloadState', { params: { workspace_id: workspace.workspace_id } });
    expect(JSON.parse(Buffer.from(await state.bytes()).toString()).resources[0].instances).toHaveLength(200);
  });

  test('a viewer that comes back again and again sees every byte once', async () => {
    const workspace = await workspaceWith({
      'main.tf': printing('for i in $(seq 1 200); do echo "line $i of the long story"; sleep 0.02; done'),
    });
    const { id } = await createTask(server, workspace);
    const seen = await watchInPieces(id);
    const log = await readWholeLog(server, id, 'apply');
    expect(seen.connections).toBeGreaterThan(5);
    expect(Buffer.concat(seen.chunks).equals(log.bytes)).toBe(true);
  });

  /** Cuts the connection after every few frames and comes back where it was. */
  async function watchInPieces(taskId: TaskId): Promise<{ chunks: Buffer[]; connections: number }> {
    const chunks: Buffer[] = [];
    let offset = 0;
    let connections = 0;
    let frames = 0;
    const { promise: over, resolve, reject } = Promise.withResolvers<void>();
    function take(frame: ViewerFrame & { type: 'stream' | 'bytes' }): void {
      // What still comes after the cut belongs to nobody.
      if (frames >= 3) return;
      if (frame.offset !== offset) reject(new Error(`at byte ${offset} came ${frame.type} ${frame.offset}`));
      if (frame.type === 'stream') return;
      chunks.push(Buffer.from(frame.content_base64, 'base64'));
      offset = frame.next_offset;
      frames += 1;
      if (frames === 3) socket.reconnect();
    }
    const socket = server.client.socket({
      path: SOCKETS.viewerLogs,
      query: () => {
        connections += 1;
        frames = 0;
        return { task_id: taskId, phase: 'apply', offset, format: 'bytes' };
      },
      parse: (json) => ViewerFrame.parse(json),
      onMessage: (frame) => {
        if (frame.type === 'stream' || frame.type === 'bytes') take(frame);
        if (frame.type === 'stream_end' || frame.type === 'end') resolve();
      },
      onBadMessage: reject,
    });
    await over.finally(() => socket.close());
    return { chunks, connections };
  }

  test('lines of a megabyte, binary, control characters and colours come through as Terraform printed them', async () => {
    const command = [
      "head -c 60000 /dev/zero | tr '\\0' 'x'; echo ' end of the long line'",
      "printf '\\033[31mred\\033[0m and \\033[1mbold\\033[0m\\n'",
      "printf 'binary \\001\\002\\377\\376 \\000 end\\n'",
      "printf 'progress 1\\rprogress 2\\rprogress 3\\n'",
      "printf 'no line break at the end'",
    ].join('; ');
    const long = `output "long" { value = join("", [for n in range(1000) : "${'0123456789'.repeat(101)}-"]) }`;
    const workspace = await workspaceWith({ 'main.tf': `${printing(command)}\n${long}` });
    const { id } = await createTask(server, workspace);
    const watched = watchTask(server, id);
    expect(await waitForEnd(server, id)).toMatchObject({ status: 'applied', error_message: null });
    await watched.done;
    const log = await readWholeLog(server, id, 'apply');
    expect(watched.bytesOf('apply').equals(log.bytes)).toBe(true);
    expect(log.text).toContain(`${'x'.repeat(60_000)} end of the long line`);
    expect(log.text).toContain('\u001b[31mred\u001b[0m and \u001b[1mbold\u001b[0m');
    // Terraform itself replaces what is no UTF-8, and passes the rest on.
    expect(log.text).toContain('binary \u0001\u0002\ufffd');
    for (const n of [1, 2, 3]) expect(log.text).toContain(`progress ${n}`);
    expect(log.text).toContain('no line break at the end');
    // The output, one line of a million bytes.
    expect(Math.max(...log.text.split('\n').map((line) => line.length))).toBeGreaterThan(1_000_000);
    const lines = await presentedLines(id);
    expect(lines.some((line) => line.endsWith('red and bold'))).toBe(true);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: presented lines are to be free of them
    expect(lines.filter((line) => /\u001b/.test(line))).toEqual([]);
  });

  /** The apply's log in the form that people's screens get. */
  async function presentedLines(taskId: TaskId): Promise<string[]> {
    const lines: string[] = [];
    const { promise: over, resolve, reject } = Promise.withResolvers<void>();
    const socket = server.client.socket({
      path: SOCKETS.viewerLogs,
      query: { task_id: taskId, phase: 'apply', format: 'lines' },
      parse: (json) => ViewerFrame.parse(json),
      onMessage: (frame) => {
        if (frame.type === 'lines') lines.push(...frame.lines.map(({ line }) => line));
        if (frame.type === 'end' || frame.type === 'stream_end') resolve();
      },
      onBadMessage: reject,
    });
    await over.finally(() => socket.close());
    return lines;
  }

  test('parts of a log by offset, as text, and without colours', async () => {
    const workspace = await workspaceWith({ 'main.tf': printing("printf 'a \\033[32mgreen\\033[0m word\\n'") });
    const { id } = await runTask(server, workspace);
    const log = await readWholeLog(server, id, 'apply');
    const params = { params: { task_id: id } };
    const part = await server.client.call('readLog', { ...params, query: { phase: 'apply', offset: 10, limit: 20 } });
    expect(Buffer.from(part.content_base64, 'base64').equals(log.bytes.subarray(10, 30))).toBe(true);
    expect(part).toMatchObject({ offset: 10, next_offset: 30, length: log.length });
    const asText = { headers: { accept: 'text/plain' } };
    const text = await server.client.open('readLog', { ...params, query: { phase: 'apply' } }, asText);
    expect(Buffer.from(await text.bytes()).equals(log.bytes)).toBe(true);
    const stripped = await server.client.open(
      'readLog',
      { ...params, query: { phase: 'apply', strip: 'true' } },
      asText,
    );
    expect(Buffer.from(await stripped.bytes()).toString()).toContain('a green word');
    const whole = await server.client.call('getTask', { ...params, query: { include: 'apply_output,plan_output' } });
    expect(whole.apply_output).toBe(log.text);
  });
});
