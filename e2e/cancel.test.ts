import type { Pool } from '@groundcrew/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  cancel,
  createLab,
  createTask,
  createWorkspace,
  getTask,
  type Lab,
  listAttempts,
  plain,
  pushExample,
  pushFiles,
  type RunningServer,
  readText,
  readWholeLog,
  runTask,
  SKIP_TERRAFORM,
  setVariable,
  startServerWithAgent,
  waitForEnd,
  waitForPlan,
  waitForTask,
} from './harness/index.ts';

const count = (text: string, part: string): number => text.split(part).length - 1;

describe.skipIf(SKIP_TERRAFORM)('stopping, and failing', () => {
  let lab: Lab;
  let server: RunningServer;
  let pool: Pool;

  beforeAll(async () => {
    lab = await createLab();
    ({ server, pool } = await startServerWithAgent(lab));
  });
  afterAll(() => lab?.close());

  const getWorkspace = (workspace: { workspace_id: string }) =>
    server.client.call('getWorkspace', { params: { workspace_id: workspace.workspace_id } });

  test('a task that waits for approval is cancelled at once and releases the workspace', async () => {
    const workspace = await createWorkspace(server, { pool });
    await pushExample(server, workspace, 'hello');
    const { id } = await createTask(server, workspace);
    await waitForPlan(server, id);
    expect(await cancel(server, id)).toMatchObject({ status: 'cancelled', cancel_level: 1 });
    expect((await getWorkspace(workspace)).hold_task_id).toBeNull();
    // Again: the level only rises, and it is where it was.
    expect(await cancel(server, id)).toMatchObject({ status: 'cancelled' });
  });

  test('a task that waits in the queue is cancelled without ever having been offered', async () => {
    const workspace = await createWorkspace(server, { pool });
    await pushExample(server, workspace, 'hello');
    const lock = { params: { workspace_id: workspace.workspace_id }, body: { reason: 'maintenance' } };
    await server.client.call('lockWorkspace', lock);
    const { id } = await createTask(server, workspace);
    expect(await cancel(server, id)).toMatchObject({ status: 'cancelled' });
    expect(await listAttempts(server, id)).toEqual([]);
  });

  test('a plan under way is interrupted and ends cancelled', async () => {
    const workspace = await createWorkspace(server, { pool });
    // A chain is what a plan takes long for: seconds, all of them Terraform's own.
    const chain = Array.from(
      { length: 700 },
      (_, n) => `resource "terraform_data" "r${n}" { input = ${n === 0 ? '"x"' : `terraform_data.r${n - 1}.id`} }`,
    );
    await pushFiles(server, workspace, { 'main.tf': chain.join('\n') });
    const { id } = await createTask(server, workspace, { auto_approve: true });
    await waitForTask(server, id, 'planning', ({ stage }) => stage === 'planning');
    await cancel(server, id);
    const ended = await waitForEnd(server, id);
    expect(ended).toMatchObject({ status: 'cancelled', cancel_level: 1, plan: null });
    expect(await listAttempts(server, id)).toMatchObject([{ outcome: 'cancelled', permit: 'none' }]);
    await expect(
      server.client.call('downloadState', { params: { workspace_id: workspace.workspace_id } }),
    ).rejects.toMatchObject({ code: 'not_found' });
  });

  test('an apply under way gets exactly one interrupt; what was finished is in the state; the task is cancelled', async () => {
    const workspace = await createWorkspace(server, { pool, auto_approve: true });
    await pushExample(server, workspace, 'slow-apply');
    await setVariable(server, workspace, { key: 'seconds', value: '120' });
    const { id } = await createTask(server, workspace, { targets: ['terraform_data.walls'] });
    await waitForTask(server, id, 'applying', ({ stage }) => stage === 'applying');
    await server.until(
      'the first step prints',
      async () => (await readText(server, id, 'apply')).includes('survey: second 1 of') || undefined,
    );
    await cancel(server, id);
    // Said again, by somebody impatient: the level is the same, and so is the one interrupt.
    await cancel(server, id).catch(() => undefined);
    const ended = await waitForEnd(server, id);
    expect(ended).toMatchObject({ status: 'cancelled', cancel_level: 1 });
    const log = plain((await readWholeLog(server, id, 'apply')).text);
    expect(count(log, 'Interrupt received.')).toBe(1);
    expect(log).not.toContain('Two interrupts received');
    const state = await server.client.call('downloadState', { params: { workspace_id: workspace.workspace_id } });
    const { resources } = JSON.parse(Buffer.from(await state.bytes()).toString());
    expect(resources).toMatchObject([{ name: 'survey', instances: [{ status: 'tainted' }] }]);
    expect(await getWorkspace(workspace)).toMatchObject({ hold_task_id: null, quarantined_states: 0 });
  });

  test('past level 1 an apply is only stopped with force', async () => {
    const workspace = await createWorkspace(server, { pool, auto_approve: true });
    await pushExample(server, workspace, 'slow-apply');
    const { id } = await createTask(server, workspace);
    await waitForTask(server, id, 'applying', ({ stage }) => stage === 'applying');
    await expect(cancel(server, id, 3)).rejects.toMatchObject({ status: 409, message: expect.stringMatching(/force/) });
    expect((await getTask(server, id)).cancel_level).toBe(0);
    await cancel(server, id);
    expect((await waitForEnd(server, id)).status).toBe('cancelled');
  });

  test("fails-halfway: failed, what was finished is kept, and Terraform's own words reach the user whole", async () => {
    const workspace = await createWorkspace(server, { pool, auto_approve: true });
    await pushExample(server, workspace, 'fails-halfway');
    const task = await runTask(server, workspace);
    expect(task).toMatchObject({ status: 'failed', reason: { code: 'apply_error' }, changes_add: 7 });
    const state = await server.client.call('downloadState', { params: { workspace_id: workspace.workspace_id } });
    const { resources } = JSON.parse(Buffer.from(await state.bytes()).toString()) as {
      resources: { name: string; instances: { status?: string }[] }[];
    };
    const found = resources.map(({ name, instances }) => [name, instances.length, instances[0]?.status]);
    expect(found).toEqual([
      ['crane', 1, 'tainted'],
      ['foundation', 3, undefined],
      ['garden', 1, undefined],
    ]);
    const log = plain((await readWholeLog(server, task.id, 'apply')).text);
    for (const words of [log, task.error_message ?? '']) {
      expect(words).toContain('local-exec provisioner error');
      expect(words).toContain('with terraform_data.crane,');
      // As Terraform wraps it.
      expect(words.replaceAll(/\s*\n│?\s*/g, ' ')).toContain('exit status 1. Output: The crane broke down.');
    }
    const [attempt] = await listAttempts(server, task.id);
    expect(attempt).toMatchObject({ outcome: 'failed', exit_code: 1, permit: 'used' });

    await setVariable(server, workspace, { key: 'fail', value: 'false' });
    // The crane is made anew, and the roof for the first time.
    expect(await runTask(server, workspace)).toMatchObject({ status: 'applied', changes_replace: 1 });
  });
});
