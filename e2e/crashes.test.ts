import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pool, Task, Workspace } from '@groundcrew/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createLab,
  createTask,
  createWorkspace,
  getTask,
  type Lab,
  listAttempts,
  plain,
  pushFiles,
  type RunningAgent,
  type RunningServer,
  readText,
  readWholeLog,
  SKIP_TERRAFORM,
  sendSignal,
  startServerWithAgent,
  waitForEnd,
  waitForTask,
} from './harness/index.ts';

/** Three steps in a row, whose lines also go to a ledger that nobody of ours writes. */
const LINES = 40;
const steps = (ledger: string): Record<string, string> => ({
  'main.tf': ['one', 'two', 'three']
    .map(
      (name, n) => `
    resource "terraform_data" "${name}" {
      input = "${name}"
      ${n === 0 ? '' : `depends_on = [terraform_data.${['one', 'two'][n - 1]}]`}
      provisioner "local-exec" {
        command = "i=1; while [ $i -le ${LINES} ]; do echo \\"${name} line $i\\" | tee -a ${ledger}; sleep 0.05; i=$((i + 1)); done"
      }
    }`,
    )
    .join('\n'),
});

describe.skipIf(SKIP_TERRAFORM)('kill -9 in the middle of an apply', () => {
  let lab: Lab;
  let server: RunningServer;
  let agent: RunningAgent;
  let pool: Pool;

  beforeAll(async () => {
    lab = await createLab();
    ({ server, agent, pool } = await startServerWithAgent(lab));
  });
  afterAll(() => lab?.close());

  /** An apply whose first step has begun to print. */
  async function beginApply(name: string): Promise<{ task: Task; workspace: Workspace; ledger: string }> {
    const ledger = join(lab.folder, `${name}.ledger`);
    const workspace = await createWorkspace(server, { pool, auto_approve: true });
    await pushFiles(server, workspace, steps(ledger));
    const { id } = await createTask(server, workspace);
    const task = await waitForTask(server, id, 'applying', ({ stage }) => stage === 'applying');
    await server.until(
      'the first step prints',
      async () => (await readText(server, id, 'apply')).includes('one line 5') || undefined,
    );
    return { task, workspace, ledger };
  }

  /** Applied once, in one attempt: every line once and in order, in the log as in the ledger; the state holds everything. */
  async function expectApplied({ task, workspace, ledger }: Awaited<ReturnType<typeof beginApply>>): Promise<void> {
    const ended = await waitForEnd(server, task.id);
    expect(ended).toMatchObject({ status: 'applied', error_message: null });
    expect(await listAttempts(server, task.id)).toMatchObject([
      { number: 1, outcome: 'finished', exit_code: 0, permit: 'used' },
    ]);
    const expected = ['one', 'two', 'three'].flatMap((name) =>
      Array.from({ length: LINES }, (_, n) => `${name} line ${n + 1}`),
    );
    expect(readFileSync(ledger, 'utf8').trimEnd().split('\n')).toEqual(expected);
    const log = plain((await readWholeLog(server, task.id, 'apply')).text);
    const printed = [...log.matchAll(/\(local-exec\): ((?:one|two|three) line \d+)$/gm)].map(([, line]) => line);
    expect(printed).toEqual(expected);
    expect(log.split('Apply complete! Resources: 3 added, 0 changed, 0 destroyed.')).toHaveLength(2);
    const answer = await server.client.call('downloadState', { params: { workspace_id: workspace.workspace_id } });
    const { resources } = JSON.parse(Buffer.from(await answer.bytes()).toString());
    expect(resources).toHaveLength(3);
    const record = await server.client.call('getWorkspace', { params: { workspace_id: workspace.workspace_id } });
    expect(record).toMatchObject({ hold_task_id: null, quarantined_states: 0 });
  }

  test('of the agent: the runner goes on, the next agent finds it again', async () => {
    const begun = await beginApply('agent');
    const runners = agent.listRunners().map(({ pid }) => pid);
    await agent.kill9();
    await agent.restart();
    expect(agent.listRunners().some(({ pid }) => runners.includes(pid))).toBe(true);
    expect((await getTask(server, begun.task.id)).status).toBe('running');
    await expectApplied(begun);
    await server.until('the folder is gone', () => agent.listFolders().length <= 1 || undefined);
  });

  test('of the server: Terraform goes on, the log is whole when it is back', async () => {
    const begun = await beginApply('server');
    await server.kill9();
    const before = readFileSync(begun.ledger, 'utf8').split('\n').length;
    // Terraform is seen to go on while the server is away.
    await expect
      .poll(() => readFileSync(begun.ledger, 'utf8').split('\n').length, { timeout: 10_000 })
      .toBeGreaterThan(before + 10);
    await server.restart();
    await expectApplied(begun);
  });

  test('of the runner: its successor takes over log, state and exit', async () => {
    const begun = await beginApply('runner');
    const folders = agent.listFolders();
    const runner = agent.listRunners().find(({ argv }) => {
      const folder = folders.find((path) => argv.includes(path));
      return folder !== undefined && hasTask(folder, begun.task.id);
    });
    expect(runner).toBeDefined();
    sendSignal(runner!.pid, 'SIGKILL');
    await server.until(
      'a successor holds the folder',
      () =>
        agent.listRunners().some(({ pid, argv }) => pid !== runner!.pid && argv.at(-1) === runner!.argv.at(-1)) ||
        undefined,
    );
    await expectApplied(begun);
  });

  test('of all three at once', async () => {
    const begun = await beginApply('all');
    const runners = agent.listRunners().map(({ pid }) => pid);
    for (const pid of runners) sendSignal(pid, 'SIGKILL');
    await agent.kill9();
    await server.kill9();
    await server.restart();
    await agent.restart();
    await expectApplied(begun);
  });
});

function hasTask(folder: string, taskId: string): boolean {
  try {
    return readFileSync(join(folder, 'task.json'), 'utf8').includes(taskId);
  } catch {
    return false;
  }
}
