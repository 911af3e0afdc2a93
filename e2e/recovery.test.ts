import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pool, StateComparison, Task, TaskVerdict, Workspace } from '@groundcrew/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  approve,
  createLab,
  createPool,
  createTask,
  createWorkspace,
  endProcessesBelow,
  getTask,
  type Lab,
  listEvents,
  listProcessesBelow,
  pushFiles,
  type RunningAgent,
  type RunningServer,
  readText,
  runCli,
  runTask,
  SKIP_TERRAFORM,
  sendSignal,
  waitForEnd,
  waitForPlan,
  waitForTask,
  watchTask,
} from './harness/index.ts';

/** Short enough to be waited for; the proportions are the real ones. */
const SHORT_LEASES = {
  GROUNDCREW_LEASES_LEASE: '4s',
  GROUNDCREW_LEASES_RENEW: '1s',
  GROUNDCREW_LEASES_LOST_AFTER: '8s',
  GROUNDCREW_LEASES_KEEPER: '1s',
  GROUNDCREW_LEASES_KEEPER_GRACE: '2s',
};

/** A first step that is quick, and a second one that waits for a file or for its end. */
const twoSteps = (ledger: string, goOn: string): Record<string, string> => ({
  'main.tf': `
    resource "terraform_data" "one" {
      input = "one"
      provisioner "local-exec" { command = "echo one >> ${ledger}" }
    }
    resource "terraform_data" "two" {
      input      = "two"
      depends_on = [terraform_data.one]
      provisioner "local-exec" {
        command = "echo two >> ${ledger}; while [ ! -e ${goOn} ]; do sleep 0.1; done"
      }
    }
    output "first" { value = terraform_data.one.id }`,
});

describe.skipIf(SKIP_TERRAFORM)('what a person decides', () => {
  let lab: Lab;
  let server: RunningServer;
  let agent: RunningAgent;
  let pool: Pool;

  beforeAll(async () => {
    lab = await createLab();
    server = await lab.startServer({ env: SHORT_LEASES });
    const made = await createPool(server, { allow_apply_concurrent: true });
    pool = made.pool;
    agent = await lab.startAgent({ server, token: made.token });
  });
  afterAll(() => lab?.close());

  interface Begun {
    task: Task;
    workspace: Workspace;
    goOn: string;
    ledger: string;
  }

  /** An apply whose first resource is there and whose second one is being made. */
  async function beginApply(name: string): Promise<Begun> {
    const [ledger, goOn] = [join(lab.folder, `${name}.ledger`), join(lab.folder, `${name}.go-on`)];
    const workspace = await createWorkspace(server, { pool, auto_approve: true });
    await pushFiles(server, workspace, twoSteps(ledger, goOn));
    const { id } = await createTask(server, workspace);
    await server.until(
      'the second step has begun',
      async () => (existsSync(ledger) && readFileSync(ledger, 'utf8').includes('two')) || undefined,
    );
    await server.until(
      'the log tells of the first',
      async () => (await readText(server, id, 'apply')).includes('one: Creation complete') || undefined,
    );
    return { task: await getTask(server, id), workspace, goOn, ledger };
  }

  /** As a power cut: nothing of the host does anything after anything else of it has ended. */
  async function loseHost(): Promise<void> {
    for (const { pid } of listProcessesBelow(agent.workDir)) sendSignal(pid, 'SIGSTOP');
    await endProcessesBelow(agent.workDir);
    await agent.kill9();
  }

  const verdictOf = async (id: Task['id']): Promise<TaskVerdict | null | undefined> =>
    (await getTask(server, id)).verdict;
  const waitForVerdict = (id: Task['id'], kind: TaskVerdict['kind']): Promise<TaskVerdict> =>
    server.until(`task ${id} is ${kind}`, async () => {
      const verdict = await verdictOf(id);
      return verdict?.kind === kind ? verdict : undefined;
    });
  const workspaceOf = ({ workspace_id }: Workspace): Promise<Workspace> =>
    server.client.call('getWorkspace', { params: { workspace_id } });
  const close = (id: Task['id'], ...more: string[]) =>
    runCli(server, 'task', 'close', id, '--reason', 'the host burnt down', ...more);
  const quarantine = (...argv: string[]) => runCli(server, 'state', 'quarantine', ...argv);

  test('the host is lost after the apply, with its state: contact lost, closed, and the late state decided about', async () => {
    const [kept, dropped] = [await beginApply('kept'), await beginApply('dropped')];
    await server.kill9();
    // Terraform ends well while nobody hears of it; its state is on the host alone.
    for (const { goOn } of [kept, dropped]) writeFileSync(goOn, '');
    const gone = () =>
      listProcessesBelow(agent.workDir).every(({ argv }) => !argv.some((word) => /(^|\/)terraform$/.test(word)));
    await expect.poll(gone, { timeout: 20_000 }).toBe(true);
    await loseHost();
    await server.restart();

    const [verdict] = await Promise.all([kept, dropped].map(({ task }) => waitForVerdict(task.id, 'contact_lost')));
    expect(verdict).toMatchObject({ may_still_run: true, may_close: true, last_state: null });
    expect(verdict?.warning).toMatch(
      /^Terraform of attempt 1 may still be changing: .*terraform_data\.two.*; its state since .* is not here\.$/,
    );
    const shown = await runCli(server, 'task', 'show', kept.task.id);
    expect(shown.out).toContain('its apply may still be running');
    expect(shown.out).toContain(`groundcrew task close ${kept.task.id} --reason`);

    expect((await close(kept.task.id)).err).toContain(`add --confirm ${kept.workspace.name}`);
    expect((await close(kept.task.id, '--confirm', 'wrong')).code).toBe(1);
    for (const { task, workspace } of [kept, dropped]) {
      const closed = await close(task.id, '--confirm', workspace.name);
      expect(closed).toMatchObject({ code: 0, out: expect.stringContaining('locked in your name until attempt 1') });
    }
    expect((await runCli(server, 'workspace', 'unlock', kept.workspace.name)).err).toContain('--yes');

    await agent.restart();
    for (const { task, workspace } of [kept, dropped]) {
      await server.until('the late result is in', async () => {
        const { unproven_attempts = [], quarantined_states } = await workspaceOf(workspace);
        return (unproven_attempts.length === 0 && quarantined_states === 1) || undefined;
      });
      expect(await getTask(server, task.id)).toMatchObject({
        status: 'failed',
        reason: { code: 'closed' },
        verdict: { kind: 'closed', may_still_run: false, quarantined: [{ version: 1 }] },
      });
    }

    expect((await quarantine('list', kept.workspace.name)).out).toContain(kept.task.id);
    const compared = JSON.parse(
      (await quarantine('compare', kept.workspace.name, '1', '--json')).out,
    ) as StateComparison;
    expect(compared.added.map(({ address }) => address)).toEqual(['terraform_data.one', 'terraform_data.two']);
    expect(compared).toMatchObject({ current: null, outputs: { added: ['first'] } });

    // Nothing approves itself before somebody has decided; the lock is its owner's, and proof has come.
    expect((await runCli(server, 'workspace', 'unlock', kept.workspace.name)).code).toBe(0);
    const asked = await createTask(server, kept.workspace);
    expect(await waitForPlan(server, asked.id)).toMatchObject({ status: 'awaiting_approval' });
    const accepted = await quarantine('accept', kept.workspace.name, '1', '--reason', 'it is what exists', '--yes');
    expect(accepted).toMatchObject({ code: 0, out: expect.stringContaining('as version 2') });
    // The plan was made from another state.
    expect(await getTask(server, asked.id)).toMatchObject({ status: 'failed', reason: { code: 'plan_stale' } });
    expect(await runTask(server, kept.workspace)).toMatchObject({ status: 'success', plan: { has_changes: false } });

    const discarded = await quarantine('discard', dropped.workspace.name, '1', '--reason', 'removed by hand', '--yes');
    expect(discarded.code).toBe(0);
    expect(await workspaceOf(dropped.workspace)).toMatchObject({ quarantined_states: 0, tf_state: null });
    expect((await quarantine('accept', dropped.workspace.name, '1', '--reason', 'x', '--yes')).err).toMatch(
      /not in quarantine/,
    );
    const { items } = await server.client.call('listAudit', { query: { limit: 200 } });
    const actions = items.filter(({ noun }) => noun === 'state' || noun === 'task').map(({ action }) => action);
    expect(actions).toEqual(expect.arrayContaining(['close', 'accept', 'discard']));
  });

  test('the host is lost in the middle and comes back: interrupted, with what no state records', async () => {
    const { task, workspace, ledger } = await beginApply('interrupted');
    const watched = watchTask(server, task.id);
    await loseHost();
    await waitForVerdict(task.id, 'contact_lost');
    // Whoever looks on is told as well, though nothing has happened.
    const isTold = () => watched.frames.some((frame) => frame.type === 'task' && frame.contact_lost_since);
    await expect.poll(isTold, { timeout: 10_000 }).toBe(true);
    watched.stop();
    await agent.restart();
    const verdict = await waitForVerdict(task.id, 'interrupted');
    expect(verdict).toMatchObject({
      may_still_run: false,
      may_close: true,
      warning: null,
      unrecorded: [{ address: 'terraform_data.one', action: 'create', id: expect.any(String) }],
    });
    const shown = await runCli(server, 'task', 'show', task.id);
    expect(shown.out).toMatch(/CHANGED, BUT NOT RECORDED[^\n]*\nterraform_data\.one +create/);
    expect(readFileSync(ledger, 'utf8')).toBe('one\ntwo\n');
    // Nothing else starts on the workspace until somebody has decided.
    const next = await createTask(server, workspace);
    await waitForTask(server, next.id, 'waiting', ({ waiting }) => waiting !== null);
    expect((await runCli(server, 'task', 'cancel', task.id)).err).toMatch(/close it instead/);
    expect((await close(task.id, '--confirm', workspace.name)).code).toBe(0);
    expect(await workspaceOf(workspace)).toMatchObject({ locked: null, unproven_attempts: [] });
    expect(await waitForTask(server, next.id, 'under way', ({ status }) => status === 'running')).toBeDefined();
    expect((await runCli(server, 'task', 'cancel', next.id)).code).toBe(0);
    await waitForEnd(server, next.id);
  });

  test('closed while it still runs: one interrupt, its state in quarantine, its death proved', async () => {
    const { task, workspace } = await beginApply('frozen');
    const frozen = listProcessesBelow(agent.workDir).map(({ pid }) => pid);
    for (const pid of frozen) sendSignal(pid, 'SIGSTOP');
    await waitForVerdict(task.id, 'contact_lost');
    expect((await close(task.id, '--confirm', workspace.name)).code).toBe(0);
    for (const pid of frozen) sendSignal(pid, 'SIGCONT');
    await server.until('the late result is in', async () => {
      const { unproven_attempts = [] } = await workspaceOf(workspace);
      return unproven_attempts.length === 0 || undefined;
    });
    const { quarantined_states, tf_state, locked } = await workspaceOf(workspace);
    // Terraform saves its state when it is interrupted, and again at its end.
    expect(quarantined_states).toBeGreaterThanOrEqual(1);
    expect(tf_state).toBeNull();
    expect(locked?.by).toBe('admin');
    const log = await readText(server, task.id, 'apply');
    expect(log.split('Interrupt received.')).toHaveLength(2);
    expect((await listEvents(server, task.id)).map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['closed', 'state_quarantined', 'late_result', 'proven_dead']),
    );
  });

  test('a plan that waits is discarded, goes stale with the state, or with its time', async () => {
    const workspace = await createWorkspace(server, { pool });
    await pushFiles(server, workspace, { 'main.tf': 'resource "terraform_data" "a" { input = "a" }' });
    const waiting = async (): Promise<Task> => waitForPlan(server, (await createTask(server, workspace)).id);
    const { id } = await waiting();
    const discarded = await runCli(server, 'task', 'discard', id, '--reason', 'wrong zone');
    expect(discarded).toMatchObject({ code: 0, out: `Discarded the plan of ${id}.\n` });
    expect(await getTask(server, id)).toMatchObject({ status: 'cancelled', reason: { code: 'discarded' } });
    expect((await runCli(server, 'task', 'approve', id, '--yes')).code).toBe(1);

    const stale = await waiting();
    const state = join(lab.folder, 'by-hand.tfstate');
    writeFileSync(
      state,
      JSON.stringify({
        version: 4,
        terraform_version: '1.11.4',
        serial: 1,
        lineage: 'by-hand',
        outputs: {},
        resources: [],
      }),
    );
    expect((await runCli(server, 'state', 'push', workspace.name, state)).code).toBe(0);
    expect(await getTask(server, stale.id)).toMatchObject({ status: 'failed', reason: { code: 'plan_stale' } });
    await expect(approve(server, stale)).rejects.toMatchObject({ status: 409 });
  });
});

describe.skipIf(SKIP_TERRAFORM)('a plan that nobody applies in its time', () => {
  let lab: Lab;
  let server: RunningServer;
  beforeAll(async () => {
    lab = await createLab();
    server = await lab.startServer({ env: { ...SHORT_LEASES, GROUNDCREW_LEASES_PLAN_LIFE: '4s' } });
  });
  afterAll(() => lab?.close());

  test('fails as stale, and tells so', async () => {
    const workspace = await createWorkspace(server);
    await pushFiles(server, workspace, { 'main.tf': 'resource "terraform_data" "a" { input = "a" }' });
    const { id } = await createTask(server, workspace);
    const planned = await waitForPlan(server, id);
    expect((await runCli(server, 'task', 'show', id)).out).toContain('Plan expires');
    expect(await waitForEnd(server, id)).toMatchObject({
      status: 'failed',
      reason: { code: 'plan_stale', message: expect.stringMatching(/plan again/) },
    });
    await expect(approve(server, planned)).rejects.toMatchObject({ status: 409 });
  });
});

describe.skipIf(SKIP_TERRAFORM)('a restored backup', () => {
  let lab: Lab;
  let server: RunningServer;
  beforeAll(async () => {
    lab = await createLab();
    server = await lab.startServer();
  });
  afterAll(() => lab?.close());

  const RESTORED = {
    status: 'needs_attention',
    reason: { code: 'restored' },
    verdict: { kind: 'restored', may_close: true },
  };

  /** A plan that waits for approval. */
  async function plan(): Promise<{ task: Task; workspace: Workspace }> {
    const workspace = await createWorkspace(server);
    await pushFiles(server, workspace, { 'main.tf': 'resource "terraform_data" "a" { input = "a" }' });
    const { id } = await createTask(server, workspace);
    return { task: await waitForPlan(server, id), workspace };
  }

  /** Stops the server, changes its files, and starts it again. */
  async function restartAfter(change: () => void): Promise<void> {
    await server.halt();
    change();
    await server.restart();
  }

  test('a data folder of PostgreSQL copied back: what was applied since is not applied again', async () => {
    const { task, workspace } = await plan();
    const [data, backup] = [join(server.home, 'postgres', 'data'), join(lab.folder, 'backup')];
    await restartAfter(() => cpSync(data, backup, { recursive: true, preserveTimestamps: true }));
    await approve(server, task);
    expect(await waitForEnd(server, task.id)).toMatchObject({ status: 'applied' });

    await restartAfter(() => {
      rmSync(data, { recursive: true });
      cpSync(backup, data, { recursive: true, preserveTimestamps: true });
    });
    expect(await getTask(server, task.id)).toMatchObject(RESTORED);
    await expect(approve(server, task)).rejects.toMatchObject({ status: 409 });
    const locked = await server.client.call('getWorkspace', { params: { workspace_id: workspace.workspace_id } });
    expect(locked.locked).toMatchObject({ reason: 'The database was restored.' });
    expect((await runCli(server, 'task', 'show', task.id)).out).toContain('The database was restored');
    const closed = await runCli(
      server,
      'task',
      'close',
      task.id,
      '--reason',
      'it was applied',
      '--confirm',
      workspace.name,
    );
    expect(closed.code).toBe(0);

    // Once dealt with, it is the present.
    const { task: after } = await plan();
    await restartAfter(() => {});
    expect(await getTask(server, after.id)).toMatchObject({ status: 'awaiting_approval' });
  });

  test('the operator says that the whole home was restored', async () => {
    const { task } = await plan();
    const said = join(server.home, 'restored');
    await restartAfter(() => writeFileSync(said, ''));
    expect(await getTask(server, task.id)).toMatchObject(RESTORED);
    expect(existsSync(said)).toBe(false);
  });
});
