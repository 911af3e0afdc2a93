import { createLogger } from '@groundcrew/kit';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { findRestore, type KnownDatabase, type Watermark } from './find-restore.ts';
import {
  acceptOffer,
  beginApply,
  exitRecord,
  finishPlan,
  type LiveServer,
  makeBoundlessAgent,
  makeState,
  makeTask,
  makeWorkspace,
  markOf,
  postState,
  startLiveServer,
  storePlan,
  type TestAgent,
} from './live-server-for-tests.ts';
import { createRestoreGuard, type WatermarkKeeper } from './restore-guard.ts';

describe('findRestore', () => {
  const known: KnownDatabase = { installation: 'i', count: 5, systemIdentifier: '7', timeline: 1, synchronous: true };
  const present = { systemIdentifier: '7', timeline: 1, synchronous: true };

  it.each<[string, KnownDatabase | undefined, Watermark | undefined, typeof present | object, RegExp | undefined]>([
    ['the same one', known, { installation: 'i', count: 5 }, present, undefined],
    ['one that went on without this home', known, { installation: 'i', count: 3 }, present, undefined],
    ['a new one', undefined, { installation: 'i', count: 9 }, present, undefined],
    ['one that this home has never seen', known, { installation: 'other', count: 9 }, present, undefined],
    ['a home without a mark', known, undefined, present, undefined],
    ['what the role may not read', known, undefined, { systemIdentifier: null, timeline: null }, undefined],
    ['an older one', known, { installation: 'i', count: 6 }, present, /older than.*watermark 5, seen 6/],
    ['another cluster', known, undefined, { systemIdentifier: '8', timeline: 1 }, /system identifier is 8 and was 7/],
    ['a promoted one', known, undefined, { systemIdentifier: '7', timeline: 2 }, /timeline is 2 and was 1/],
  ])('%s', (_what, fact, seen, identity, expected) => {
    const why = findRestore(fact, seen, identity as typeof present, false);
    if (expected === undefined) expect(why).toBeUndefined();
    else expect(why).toMatch(expected);
  });

  const promoted = { ...present, timeline: 2 };
  const { synchronous: _, ...old } = known;
  it.each<[string, KnownDatabase, Watermark | undefined, typeof present, RegExp | undefined]>([
    ['a standby that had everything', known, { installation: 'i', count: 5 }, promoted, undefined],
    ['one that lagged', known, { installation: 'i', count: 6 }, promoted, /older than/],
    ['one of a primary that waited for none', { ...known, synchronous: false }, undefined, promoted, /timeline/],
    ['one of a primary of which nobody wrote down', old as KnownDatabase, undefined, promoted, /timeline/],
    ['another cluster', known, undefined, { ...promoted, systemIdentifier: '8' }, /system identifier/],
  ])('where failovers are lossless: %s', (_what, fact, seen, identity, expected) => {
    const why = findRestore(fact, seen, identity, true);
    if (expected === undefined) expect(why).toBeUndefined();
    else expect(why).toMatch(expected);
  });
});

describe('a restored database', () => {
  let server: LiveServer;
  let agent: TestAgent;
  let poolId: string;
  beforeAll(async () => {
    server = await startLiveServer();
    ({ agent, poolId } = await makeBoundlessAgent(server));
    await server.modules.tasks.keeper.keepAlive();
  });
  afterAll(() => server.close());

  const keepAlive = () => server.modules.tasks.keeper.keepAlive();
  const taskOf = (id: string) => server.must('getTask', server.owner, { params: { task_id: id } });
  const workspaceOf = (id: string) => server.must('getWorkspace', server.owner, { params: { workspace_id: id } });
  const restores = async () =>
    (await server.must('listAudit', server.owner, { query: { limit: 200 } })).items.filter(
      ({ action }) => action === 'database_restored',
    ).length;
  /** The database as a backup from a while ago would have it. */
  const stepBack = () =>
    sql`UPDATE server_facts SET value = jsonb_set(value, '{count}', to_jsonb((value ->> 'count')::bigint - 1)) WHERE key = 'database'`.execute(
      server.db,
    );

  async function waitingForApproval() {
    const workspace = await makeWorkspace(server, poolId);
    const { id } = await makeTask(server, workspace.workspace_id, { task_type: 'plan_and_apply' });
    const attempt = await acceptOffer(server, agent, id);
    const { planChecksum } = await storePlan(attempt);
    await finishPlan(attempt, planChecksum);
    return { id, workspace, planChecksum };
  }

  async function applying() {
    const workspace = await makeWorkspace(server, poolId);
    const body = { task_type: 'plan_and_apply', auto_approve: true };
    const { id } = await makeTask(server, workspace.workspace_id, body);
    const attempt = await acceptOffer(server, agent, id);
    const { planChecksum } = await storePlan(attempt);
    await beginApply(attempt, planChecksum);
    return { id, workspace, attempt };
  }

  test('ticks that follow each other are no restore', async () => {
    const { id } = await waitingForApproval();
    for (let n = 0; n < 3; n += 1) await keepAlive();
    await Promise.all(Array.from({ length: 10 }, keepAlive));
    expect(await taskOf(id)).toMatchObject({ status: 'awaiting_approval' });
    expect(await restores()).toBe(0);
  });

  test('every task that may apply waits for a person, its workspace is locked, its approval void; plans go on', async () => {
    const approved = await waitingForApproval();
    await server.must('lockWorkspace', server.owner, {
      params: { workspace_id: approved.workspace.workspace_id },
      body: {},
    });
    const approval = { plan_checksum: approved.planChecksum };
    await server.must('approveTask', server.owner, { params: { task_id: approved.id }, body: approval });
    const waiting = await waitingForApproval();
    const running = await applying();
    const offered = await makeTask(server, (await makeWorkspace(server, poolId)).workspace_id, {
      task_type: 'plan_and_apply',
    });
    const plan = await makeTask(server, (await makeWorkspace(server, poolId)).workspace_id);
    await acceptOffer(server, agent, plan.id);

    await stepBack();
    await keepAlive();
    for (const { id } of [approved, waiting, running, offered])
      expect(await taskOf(id), id).toMatchObject({
        status: 'needs_attention',
        reason: { code: 'restored' },
        verdict: { kind: 'restored', may_close: true },
      });
    expect((await taskOf(running.id)).verdict).toMatchObject({ may_still_run: true });
    expect((await taskOf(waiting.id)).verdict).toMatchObject({ may_still_run: false });
    expect(await taskOf(plan.id)).toMatchObject({ status: 'running' });
    expect(await workspaceOf(waiting.workspace.workspace_id)).toMatchObject({
      locked: { reason: 'The database was restored.' },
    });
    const { voided_at } = await server.db
      .selectFrom('approvals')
      .select('voided_at')
      .where('task_id', '=', approved.id)
      .executeTakeFirstOrThrow();
    expect(voided_at).not.toBeNull();
    expect(await restores()).toBe(1);
    await keepAlive();
    expect(await restores()).toBe(1);

    // What the apply then delivers still ends it.
    expect((await postState(running.attempt, makeState(1))).body).toMatchObject({ standing: 'current' });
    await running.attempt.must('finishAttempt', { body: exitRecord({ last_state: markOf(makeState(1)) }) });
    expect(await taskOf(running.id)).toMatchObject({ status: 'applied' });
    const { name } = waiting.workspace;
    const close = { params: { task_id: waiting.id }, body: { workspace: name, reason: 'nothing of it exists' } };
    expect((await server.call('closeTask', server.owner, close)).body).toMatchObject({ status: 'failed' });
  });

  test.each([
    ['another system identifier', `'{systemIdentifier}', '"1"'`],
    ['another timeline', `'{timeline}', '77'`],
  ])('%s is one as well', async (_what, change) => {
    const { id } = await waitingForApproval();
    await sql`UPDATE server_facts SET value = jsonb_set(value, ${sql.raw(change)}) WHERE key = 'database'`.execute(
      server.db,
    );
    await keepAlive();
    expect(await taskOf(id)).toMatchObject({ status: 'needs_attention', reason: { code: 'restored' } });
  });

  test('the promotion of a synchronous standby is none where the operator says so', async () => {
    const { id } = await waitingForApproval();
    const guard = createRestoreGuard({
      db: server.db,
      decider: server.modules.tasks.decider,
      watermark: {
        read: () => undefined,
        write: async () => {},
        isRestoreSaid: () => false,
        forgetRestore: async () => {},
      },
      losslessFailover: true,
      recordChange: async () => {},
      logger: createLogger({ name: 'test', level: 'silent' }),
    });
    const pretend = (change: object) =>
      sql`UPDATE server_facts SET value = value || ${JSON.stringify(change)}::jsonb WHERE key = 'database'`.execute(
        server.db,
      );
    // What the last tick before wrote down.
    await pretend({ timeline: 77, synchronous: true });
    await guard.tick(await guard.check());
    expect(await taskOf(id)).toMatchObject({ status: 'awaiting_approval' });
    // The database of this test has no standby, and the tick has said so.
    await pretend({ timeline: 77 });
    await guard.check();
    expect(await taskOf(id)).toMatchObject({ status: 'needs_attention', reason: { code: 'restored' } });
  });

  test('whoever is killed in the middle begins again, and the operator’s word is kept until it is done', async () => {
    const tasks = [await waitingForApproval(), await waitingForApproval()];
    let [said, killed] = [true, false];
    const watermark: WatermarkKeeper = {
      read: () => undefined,
      write: async () => {},
      isRestoreSaid: () => said,
      forgetRestore: async () => {
        said = false;
      },
    };
    const { decider } = server.modules.tasks;
    const guard = createRestoreGuard({
      db: server.db,
      watermark,
      losslessFailover: false,
      recordChange: async () => {},
      logger: createLogger({ name: 'test', level: 'silent' }),
      decider: {
        ...decider,
        decide: async (id, event, options) => {
          if (id === tasks[1]?.id && !killed) {
            killed = true;
            throw new Error('killed');
          }
          return decider.decide(id, event, options);
        },
      },
    });
    await expect(guard.check()).rejects.toThrow('killed');
    expect(said).toBe(true);
    await guard.check();
    expect(said).toBe(false);
    for (const { id } of tasks) {
      const { items } = await server.must('listTaskEvents', server.owner, { params: { task_id: id } });
      expect(items.filter(({ kind }) => kind === 'needs_attention')).toHaveLength(1);
    }
  });
});
