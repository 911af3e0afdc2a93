import { join } from 'node:path';
import { sha256Hex } from '@groundcrew/kit';
import type { Pool } from '@groundcrew/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  approve,
  createLab,
  createPool,
  createTask,
  createWorkspace,
  getTask,
  type Lab,
  listAttempts,
  listEvents,
  plain,
  pushExample,
  pushFiles,
  ROOT,
  type RunningServer,
  readFolder,
  readWholeLog,
  runBare,
  runTask,
  SKIP_TERRAFORM,
  setVariable,
  startServerWithAgent,
  waitForEnd,
  waitForPlan,
  watchTask,
} from './harness/index.ts';

const TWO = {
  'main.tf': `
    variable "word" { default = "first" }
    resource "terraform_data" "a" { input = var.word }
    resource "terraform_data" "b" { input = "b" }
    output "word" { value = terraform_data.a.output }`,
};

describe.skipIf(SKIP_TERRAFORM)('a task from being asked for to its end', () => {
  let lab: Lab;
  let server: RunningServer;
  let pool: Pool;

  beforeAll(async () => {
    lab = await createLab();
    ({ server, pool } = await startServerWithAgent(lab, { mode: 'push' }));
  });
  afterAll(() => lab?.close());

  const workspaceWith = async (files: Record<string, string>, settings = {}) => {
    const workspace = await createWorkspace(server, { pool, ...settings });
    await pushFiles(server, workspace, files);
    return workspace;
  };

  const readState = async (workspace: { workspace_id: string }) => {
    const answer = await server.client.call('downloadState', { params: { workspace_id: workspace.workspace_id } });
    const bytes = await answer.bytes();
    return { bytes, state: JSON.parse(Buffer.from(bytes).toString()) };
  };

  test('push agent: planned, approved by checksum, applied; log, state, plan, events and audit are all there', async () => {
    const workspace = await createWorkspace(server, { pool });
    const configuration = await pushExample(server, workspace, 'hello');
    // One resource at a time, so that Terraform prints the same order with us and without.
    const asked = await createTask(server, workspace, { parallelism: 1, message: 'the first one' });
    expect(asked).toMatchObject({ status: 'pending', task_type: 'plan_and_apply', configuration_id: configuration.id });
    const watched = watchTask(server, asked.id);

    const planned = await waitForPlan(server, asked.id);
    expect(planned).toMatchObject({
      status: 'awaiting_approval',
      changes_add: 4,
      changes_change: 0,
      changes_destroy: 0,
    });
    expect(planned.plan).toMatchObject({ has_changes: true, lineage: null, serial: null });
    const wrong = { plan_checksum: sha256Hex('another plan') };
    await expect(
      server.client.call('approveTask', { params: { task_id: asked.id }, body: wrong }),
    ).rejects.toMatchObject({ code: 'stale_plan', status: 409 });
    await approve(server, planned);
    const done = await waitForEnd(server, asked.id);
    expect(done).toMatchObject({ status: 'applied', error_message: null, reason: null, cancel_level: 0 });
    expect(Date.parse(done.completed_at ?? '')).toBeGreaterThan(Date.parse(done.created_at));

    const attempts = await listAttempts(server, asked.id);
    expect(
      attempts.map(({ number, action, state, outcome, permit, exit_code }) => ({
        number,
        action,
        state,
        outcome,
        permit,
        exit_code,
      })),
    ).toEqual([
      { number: 2, action: 'apply', state: 'ended', outcome: 'finished', permit: 'used', exit_code: 0 },
      { number: 1, action: 'plan', state: 'ended', outcome: 'finished', permit: 'none', exit_code: expect.any(Number) },
    ]);

    const [plan, apply] = [await readWholeLog(server, asked.id, 'plan'), await readWholeLog(server, asked.id, 'apply')];
    const bare = await runBare({
      folder: lab.folder,
      files: readFolder(join(ROOT, 'examples', 'hello')),
      backend: 'http',
      planArguments: ['-parallelism=1'],
    });
    // All of it and nothing else; Terraform takes the three parts of the house in any order.
    expect(linesOf(plan.text)).toEqual(linesOf(bare.init + bare.plan));
    expect(linesOf(apply.text)).toEqual(linesOf(bare.init + bare.apply));
    await watched.done;
    expect(watched.bytesOf('plan').equals(plan.bytes)).toBe(true);
    expect(watched.bytesOf('apply').equals(apply.bytes)).toBe(true);
    expect(watched.frames.at(-1)).toEqual({ type: 'end', task_id: asked.id, status: 'applied' });
    const ends = watched.frames.filter((frame) => frame.type === 'stream_end');
    expect(ends.map(({ length, checksum, complete }) => ({ length, checksum, complete }))).toEqual(
      [plan, apply].map(({ length, checksum }) => ({ length, checksum, complete: true })),
    );

    const { items: versions } = await server.client.call('listStateVersions', {
      params: { workspace_id: workspace.workspace_id },
    });
    const { bytes, state } = await readState(workspace);
    expect(versions).toHaveLength(1);
    expect(versions[0]).toMatchObject({
      version: 1,
      standing: 'current',
      serial: state.serial,
      lineage: state.lineage,
      checksum: sha256Hex(bytes),
      size: bytes.length,
      resource_count: 4,
      task_id: asked.id,
      outputs: { greeting: { value: 'Hello, world!', sensitive: false } },
    });
    expect(state.outputs.greeting.value).toBe('Hello, world!');

    const details = await server.client.call('getPlan', { params: { task_id: asked.id } });
    expect(details.counts).toEqual({ add: 4, change: 0, destroy: 0, replace: 0, import: 0 });
    expect(details.resource_changes.map(({ address, actions }) => [address, actions])).toEqual([
      ['terraform_data.greeting', ['create']],
      ['terraform_data.house["floor"]', ['create']],
      ['terraform_data.house["roof"]', ['create']],
      ['terraform_data.house["walls"]', ['create']],
    ]);
    expect(details.output_changes).toMatchObject([{ name: 'greeting', actions: ['create'], sensitive: false }]);

    const events = await listEvents(server, asked.id);
    expect(events.map(({ seq }) => seq)).toEqual(events.map(({ seq }) => seq).toSorted((a, b) => a - b));
    const kinds = events.map(({ kind }) => kind);
    expect(kinds[0]).toBe('created');
    expect(kinds.filter((kind) => kind === 'approved')).toHaveLength(1);
    expect(events.every(({ message }) => message.length > 0)).toBe(true);
    const { items: audit } = await server.client.call('listAudit', { query: { subject_id: asked.id } });
    expect(audit.map(({ action }) => action).toReversed()).toEqual(expect.arrayContaining(['create', 'approve']));
    expect(audit.find(({ action }) => action === 'approve')?.after).toMatchObject({
      plan_checksum: planned.plan?.checksum,
    });
  });

  test('auto-approve: plan and apply in one attempt', async () => {
    const workspace = await workspaceWith(TWO, { auto_approve: true });
    const task = await runTask(server, workspace);
    expect(task).toMatchObject({ status: 'applied', auto_approve: true, changes_add: 2 });
    const attempts = await listAttempts(server, task.id);
    expect(attempts).toMatchObject([
      { number: 1, action: 'plan_apply', outcome: 'finished', permit: 'used', exit_code: 0 },
    ]);
    expect((await readWholeLog(server, task.id, 'plan')).text).toContain('2 to add, 0 to change, 0 to destroy');
    expect(plain((await readWholeLog(server, task.id, 'apply')).text)).toContain(
      'Apply complete! Resources: 2 added, 0 changed, 0 destroyed.',
    );
    expect((await readState(workspace)).state.resources).toHaveLength(2);
  });

  test('a plan applies nothing; one without changes is a success that nobody has to approve', async () => {
    const workspace = await workspaceWith(TWO);
    const planned = await runTask(server, workspace, { task_type: 'plan' });
    expect(planned).toMatchObject({ status: 'success', changes_add: 2 });
    await expect(readState(workspace)).rejects.toMatchObject({ code: 'not_found' });
    expect((await runTask(server, workspace)).status).toBe('applied');
    const before = await readState(workspace);
    const again = await runTask(server, workspace);
    expect(again).toMatchObject({ status: 'success', changes_add: 0, changes_change: 0, changes_destroy: 0 });
    expect(await listAttempts(server, again.id)).toHaveLength(1);
    expect((await readState(workspace)).bytes).toEqual(before.bytes);
  });

  test('a changed variable, one target, refresh only, and destroy', async () => {
    const workspace = await workspaceWith(TWO, { auto_approve: true });
    const targeted = await runTask(server, workspace, { targets: ['terraform_data.b'] });
    expect(targeted).toMatchObject({ status: 'applied', changes_add: 1, targets: ['terraform_data.b'] });
    expect(addressesOf((await readState(workspace)).state)).toEqual(['terraform_data.b']);
    await setVariable(server, workspace, { key: 'word', value: 'second' });
    expect(await runTask(server, workspace)).toMatchObject({ status: 'applied', changes_add: 1 });
    const { state } = await readState(workspace);
    expect(state.outputs.word.value).toBe('second');
    const refreshed = await runTask(server, workspace, { refresh_only: true });
    expect(refreshed).toMatchObject({ refresh_only: true, changes_add: 0, changes_destroy: 0 });
    expect(['success', 'applied']).toContain(refreshed.status);
    const destroyed = await runTask(server, workspace, { destroy: true });
    expect(destroyed).toMatchObject({ status: 'applied', destroy: true, changes_destroy: 2, changes_add: 0 });
    const left = await readState(workspace);
    expect(left.state.resources).toEqual([]);
    expect(left.state.lineage).toBe(state.lineage);
    const record = await server.client.call('getWorkspace', { params: { workspace_id: workspace.workspace_id } });
    expect(record.tf_state).toMatchObject({ resource_count: 0, serial: left.state.serial });
  });

  test('discard: the plan is thrown away, the hold released, nothing applied', async () => {
    const workspace = await workspaceWith(TWO);
    const { id } = await createTask(server, workspace);
    const planned = await waitForPlan(server, id);
    const getWorkspace = () => server.client.call('getWorkspace', { params: { workspace_id: workspace.workspace_id } });
    expect((await getWorkspace()).hold_task_id).toBe(id);
    await server.client.call('discardTask', { params: { task_id: id }, body: { reason: 'not today' } });
    expect(await getTask(server, id)).toMatchObject({ status: 'cancelled', reason: { code: 'discarded' } });
    expect((await getWorkspace()).hold_task_id).toBeNull();
    await expect(approve(server, planned)).rejects.toMatchObject({ status: 409 });
    await expect(readState(workspace)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('the same Idempotency-Key makes one task, whatever comes back the first time; with another request it is refused', async () => {
    const workspace = await workspaceWith(TWO);
    const body = { workspace_id: workspace.workspace_id, task_type: 'plan' as const };
    const ask = (message: string) =>
      server.client.call('createTask', { body: { ...body, message } }, { idempotencyKey: `key-${workspace.name}` });
    const answers = await Promise.all([ask('one'), ask('one'), ask('one'), ask('one')]);
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    await expect(ask('two')).rejects.toMatchObject({ code: 'idempotency_mismatch', status: 409 });
    const { items } = await server.client.call('listTasks', { query: { workspace_id: workspace.workspace_id } });
    expect(items).toHaveLength(1);
    await waitForEnd(server, answers[0]!.id);
  });

  test('placement server: the same agent program, started by the server', async () => {
    const workspace = await createWorkspace(server, { execution_mode: 'server', auto_approve: true });
    await pushFiles(server, workspace, TWO);
    const task = await runTask(server, workspace);
    expect(task).toMatchObject({ status: 'applied', changes_add: 2 });
    const { items: pools } = await server.client.call('listPools', {});
    const builtIn = pools.find((candidate) => candidate.built_in);
    expect(builtIn?.agent_ids).toEqual([task.agent_id]);
    await readWholeLog(server, task.id, 'apply');
  });

  test('an agent that pulls does the same', async () => {
    const made = await createPool(server);
    const agent = await lab.startAgent({ server, token: made.token, mode: 'pull' });
    const workspace = await createWorkspace(server, { pool: made.pool });
    await pushFiles(server, workspace, TWO);
    const task = await runTask(server, workspace);
    expect(task).toMatchObject({ status: 'applied', changes_add: 2, agent_name: agent.name });
    expect((await readState(workspace)).state.resources).toHaveLength(2);
    await readWholeLog(server, task.id, 'plan');
    await readWholeLog(server, task.id, 'apply');
    expect((await agent.getRecord()).connected).toBe(false);
  });
});

/** Lines without what differs from run to run: colours, ids, durations, the name of the plan file, and their order. */
const linesOf = (text: string): string[] =>
  plain(text)
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/after \d+s/g, 'after <time>')
    .replaceAll(/Saved the plan to: .*/g, 'Saved the plan')
    .replaceAll(/terraform apply ".*"/g, 'terraform apply <plan>')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .toSorted();

const addressesOf = (state: { resources: { type: string; name: string }[] }): string[] =>
  state.resources.map(({ type, name }) => `${type}.${name}`);
