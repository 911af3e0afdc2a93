import { newId } from '@groundcrew/kit';
import type { Pool, Task, Workspace } from '@groundcrew/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  cancel,
  createLab,
  createTask,
  createWorkspace,
  type Lab,
  openDatabase,
  plain,
  pushFiles,
  type RunningServer,
  readText,
  runTask,
  SKIP_TERRAFORM,
  setVariable,
  startServerWithAgent,
  waitForTask,
} from './harness/index.ts';

const FINE = { 'main.tf': 'resource "terraform_data" "a" { input = "fine" }' };

describe.skipIf(SKIP_TERRAFORM)('configurations that cannot be, or are not to be, run as they are', () => {
  let lab: Lab;
  let server: RunningServer;
  let pool: Pool;

  beforeAll(async () => {
    lab = await createLab();
    ({ server, pool } = await startServerWithAgent(lab));
  });
  afterAll(() => lab?.close());

  const workspaceWith = async (files: Record<string, string>, settings = {}): Promise<Workspace> => {
    const workspace = await createWorkspace(server, { pool, auto_approve: true, ...settings });
    await pushFiles(server, workspace, files);
    return workspace;
  };
  const runWith = async (files: Record<string, string>): Promise<Task> => runTask(server, await workspaceWith(files));
  const expectNoState = async ({ workspace_id }: Workspace): Promise<void> => {
    const record = await server.client.call('getWorkspace', { params: { workspace_id } });
    expect(record).toMatchObject({ tf_state: null, hold_task_id: null, quarantined_states: 0 });
  };

  test.each<[string, Record<string, string>, RegExp]>([
    ['broken HCL', { 'main.tf': 'resource "terraform_data" {\n' }, /main\.tf/],
    ['broken JSON', { 'main.tf.json': '{"resource": ' }, /main\.tf\.json/],
    ['a reference to nothing', { 'main.tf': 'output "x" { value = terraform_data.none.id }' }, /terraform_data.*none/],
    [
      'a required_version that nobody has',
      { 'main.tf': 'terraform { required_version = ">= 99.0" }' },
      /Unsupported Terraform Core version/,
    ],
    ['a variable without value', { 'main.tf': 'variable "size" { type = number }' }, /size/],
  ])('%s fails with Terraform’s own words, once', async (_what, files, words) => {
    const workspace = await workspaceWith(files);
    const task = await runTask(server, workspace);
    expect(task.status).toBe('failed');
    expect(task.reason?.code).toMatch(/^(configuration|init|plan)_error$/);
    expect(plain(task.error_message ?? '')).toMatch(words);
    expect(await readText(server, task.id, 'plan')).toMatch(words);
    const { items } = await server.client.call('listAttempts', { params: { task_id: task.id } });
    expect(items).toHaveLength(1);
    await expectNoState(workspace);
  });

  test('a variable of the wrong type is named, and its neighbours are not shown', async () => {
    const workspace = await workspaceWith({
      'main.tf': 'variable "size" { type = number }\nvariable "password" { sensitive = true }',
    });
    await setVariable(server, workspace, { key: 'size', value: 'huge' });
    await setVariable(server, workspace, { key: 'password', value: 'neighbour-secret-1', sensitive: true });
    const task = await runTask(server, workspace);
    expect(task.status).toBe('failed');
    const log = await readText(server, task.id, 'plan');
    expect(`${task.error_message} ${log}`).toMatch(/size/);
    expect(`${task.error_message} ${log}`).not.toContain('neighbour-secret-1');
    await expectNoState(workspace);
  });

  test('HCL variables that are no HCL', async () => {
    const workspace = await workspaceWith({ 'main.tf': 'variable "list" { type = list(string) }' });
    const broken = setVariable(server, workspace, { key: 'list', value: '["a", ', hcl: true });
    const refused = await broken.then(
      () => undefined,
      (error: Error) => error.message,
    );
    const words = refused ?? `${(await runTask(server, workspace)).error_message}`;
    expect(words).toMatch(/list/);
    await expectNoState(workspace);
  });

  test.each<[string, string, Record<string, string>]>([
    [
      'its own back end',
      'backend',
      { 'main.tf': `terraform {\n  backend "local" { path = "elsewhere.tfstate" }\n}\n${FINE['main.tf']}` },
    ],
    [
      'its own cloud block',
      'cloud',
      {
        'main.tf': `terraform {\n  cloud {\n    organization = "acme"\n    workspaces { name = "x" }\n  }\n}\n${FINE['main.tf']}`,
      },
    ],
  ])('%s is replaced, the user is told, and the state comes to us', async (_what, word, files) => {
    const workspace = await workspaceWith(files);
    const task = await runTask(server, workspace);
    expect(task).toMatchObject({ status: 'applied', error_message: null });
    expect(await readText(server, task.id, 'plan')).toMatch(new RegExp(word));
    const record = await server.client.call('getWorkspace', { params: { workspace_id: workspace.workspace_id } });
    expect(record.tf_state).toMatchObject({ resource_count: 1 });
  });

  test('an override that sorts after ours and names a back end is refused by name', async () => {
    const files = { ...FINE, 'zzzzzzzz_override.tf': 'terraform {\n  backend "local" {}\n}' };
    const workspace = await createWorkspace(server, { pool, auto_approve: true });
    const refused = await pushFiles(server, workspace, files).then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (refused !== undefined) return expect(refused).toMatch(/zzzzzzzz_override\.tf/);
    const task = await runTask(server, workspace);
    expect(task).toMatchObject({ status: 'failed', reason: { code: 'configuration_error' } });
    expect(task.error_message).toMatch(/zzzzzzzz_override\.tf/);
    await expectNoState(workspace);
  });

  test('planted state, .terraform and CLI settings change nothing', async () => {
    const planted = JSON.stringify({
      version: 4,
      terraform_version: '1.11.4',
      serial: 9,
      lineage: 'planted',
      outputs: {},
      resources: [],
    });
    const task = await runWith({
      ...FINE,
      'terraform.tfstate': planted,
      '.terraform/terraform.tfstate': JSON.stringify({
        version: 3,
        backend: { type: 'local', config: { path: '/tmp/x' } },
      }),
      '.terraform/environment': 'elsewhere',
      '.terraformrc': 'nonsense {',
      'errored.tfstate': planted,
    });
    expect(task).toMatchObject({ status: 'applied', changes_add: 1 });
    const state = await server.client.call('downloadState', { params: { workspace_id: task.workspace_id } });
    const { lineage, serial } = JSON.parse(Buffer.from(await state.bytes()).toString());
    expect(lineage).not.toBe('planted');
    expect(serial).toBeLessThan(9);
  });

  test.each([
    ['TF_CLI_ARGS_plan', '-destroy -out=/tmp/elsewhere'],
    ['TF_DATA_DIR', '/tmp/elsewhere'],
    ['TF_HTTP_ADDRESS', 'http://127.0.0.1:9/'],
    ['LD_PRELOAD', '/tmp/evil.so'],
  ])(
    'the environment variable %s, which would change what Terraform does behind our back, is refused by name',
    async (key, value) => {
      const workspace = await workspaceWith(FINE);
      await expect(setVariable(server, workspace, { key, value, category: 'env' })).rejects.toMatchObject({
        code: 'invalid_request',
        message: expect.stringContaining(key),
      });
      // The runner refuses it as well, wherever it came from.
      await plantVariable(server.home, workspace, key, value);
      const task = await runTask(server, workspace);
      expect(task).toMatchObject({ status: 'failed', reason: { code: 'configuration_error' } });
      expect(task.error_message).toMatch(new RegExp(`${key} is reserved: `));
      await expectNoState(workspace);
    },
  );

  test('a Terraform version that nobody has: the task waits and names it', async () => {
    const workspace = await workspaceWith(FINE, { terraform_version: '0.99.98' });
    const { id } = await createTask(server, workspace);
    const waiting = await waitForTask(server, id, 'waiting', (task) => task.waiting !== null);
    expect(waiting.status).toBe('pending');
    const explained = await server.client.call('explainTask', { params: { task_id: id } });
    expect(`${explained.message} ${JSON.stringify(explained.agents)}`).toMatch(/0\.99\.98/);
    await cancel(server, id);
    await expectNoState(workspace);
  });

  test('an empty configuration and one that lies deeper than the workspace says', async () => {
    const workspace = await workspaceWith({ 'README.md': 'nothing here' });
    expect(['success', 'failed']).toContain((await runTask(server, workspace)).status);
    const deep = await workspaceWith({ 'envs/prod/main.tf': FINE['main.tf'] }, { working_directory: 'envs/missing' });
    const task = await runTask(server, deep);
    expect(task).toMatchObject({ status: 'failed', reason: { code: 'configuration_error' } });
    expect(task.error_message).toMatch(/envs\/missing/);
    const right = await workspaceWith({ 'envs/prod/main.tf': FINE['main.tf'] }, { working_directory: 'envs/prod' });
    expect((await runTask(server, right)).status).toBe('applied');
  });
});

/** A variable that the API would not take. */
async function plantVariable(home: string, workspace: Workspace, key: string, value: string): Promise<void> {
  const session = await openDatabase(home);
  try {
    await session.query(
      `INSERT INTO variables (id, organization_id, workspace_id, key, category, value) VALUES ($1, $2, $3, $4, 'env', $5)`,
      [newId('var'), workspace.organization_id, workspace.workspace_id, key, value],
    );
  } finally {
    await session.end();
  }
}
