import { newSecret, sha256Hex } from '@groundcrew/kit';
import { ATTEMPT_TOKEN_PREFIX, type ErrorBody } from '@groundcrew/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DELIVERS, MESSAGES, type MessageName } from './attempt-messages-for-tests.ts';
import {
  type Ground,
  prepareForeignGround,
  prepareGround,
  STATES,
  type StagedAttempt,
  type StateName,
} from './attempt-states-for-tests.ts';
import { type Checkpoint, createCheckpoint } from './checkpoint-for-tests.ts';
import {
  type LiveServer,
  makeAgent,
  makeTask,
  makeWorkspace,
  startLiveServer,
  type TestAgent,
} from './live-server-for-tests.ts';

/**
 * Every message of an attempt's at every state it can be in, with its own credential. `x/y`: what the same message is answered when
 * it comes again. No log of an apply was sent, so a failure told by status alone is one of the plan, which is over after LOCK. A late, doubled or out-of-order message changes nothing but what this table grants it.
 */
const TABLE = `
                 running               plan_stored  approved     permit       permit_used  state_stored  exited       interrupted  plan_ended   applied      cancelled
data             ok                    ok           ok           ok           ok           ok            ok           ok           fenced       fenced       fenced
configuration    not_found             not_found    not_found    not_found    not_found    not_found     not_found    not_found    fenced       fenced       fenced
plan_file        not_found             not_found    not_found    not_found    not_found    not_found     not_found    not_found    fenced       fenced       fenced
state            not_found             not_found    not_found    not_found    not_found    ok            ok           ok           fenced       fenced       fenced
renew            ok                    ok           ok           ok           ok           ok            ok           ok           fenced       fenced       fenced
return           ok/fenced             ok/fenced    ok/fenced    ok/fenced    conflict     conflict      conflict     conflict     fenced       fenced       fenced
put_plan         ok                    ok           ok           ok           ok           ok            ok           ok           fenced       fenced       fenced
report_plan      conflict              ok           ok           ok           ok           ok            ok           ok           fenced       fenced       conflict
permit           permit_refused/fenced conflict     ok           ok           ok           ok            ok           ok           fenced       fenced       fenced
lock             fenced                fenced       fenced       ok           ok           ok            fenced       fenced       fenced       fenced       fenced
post_state       quarantined           quarantined  quarantined  quarantined  ok           ok            ok           ok           quarantined  quarantined  quarantined
log              ok                    ok           ok           ok           ok           ok            ok           ok           ok           ok           ok
status_running   ok                    conflict     conflict     conflict     conflict     conflict      conflict     conflict     fenced       fenced       fenced
status_failed    ok/fenced             ok/fenced    ok/fenced    ok/fenced    conflict     conflict      conflict     conflict     fenced       fenced       fenced
finish           ok                    ok           ok           ok           ok           ok            conflict     ok           conflict     conflict     conflict
never_started    ok                    ok           ok           ok           conflict     conflict      conflict     conflict     ok           conflict     ok
interrupted      ok                    ok           ok           ok           ok           ok            ok           ok           ok           ok           ok
`;

/** What the answer to a message may leave changed when it comes a second time: a lease is renewed, and no more. */
const RENEWS = 'renew';

const stateNames = Object.keys(STATES) as StateName[];
const messageNames = Object.keys(MESSAGES) as MessageName[];
const rows = TABLE.trim()
  .split('\n')
  .map((line) => line.trim().split(/\s+/));
const expected = (message: MessageName, state: StateName): [string, string] => {
  const cell =
    rows.find(([name]) => name === message)?.[(rows[0] as string[]).indexOf(state) + 1] ?? 'not in the table';
  const [first = cell, second = first] = cell.split('/');
  return [first, second];
};
const codeOf = ({ status, body, text }: { status: number; body: unknown; text: string }): string => {
  expect(status, text).toBeLessThan(500);
  return status < 300 ? 'ok' : (body as ErrorBody).code;
};

let server: LiveServer;
let ground: Ground;
let foreign: Ground;
let checkpoint: Checkpoint;
const staged = {} as Record<StateName, StagedAttempt>;
const neighbours: Record<string, string> = {};

beforeAll(async () => {
  server = await startLiveServer();
  ground = await prepareGround(server);
  foreign = await prepareForeignGround(server);
  for (const name of stateNames) staged[name] = await STATES[name](ground);
  const theirs = await STATES.permit_used(foreign);
  Object.assign(neighbours, {
    "another task's attempt": (await STATES.permit_used(ground)).attempt.token,
    "another tenant's attempt": theirs.attempt.token,
    "another tenant's owner": foreign.server.owner,
    "another tenant's agent": foreign.agent.token,
    'the agent itself': ground.agent.token,
    'a person of the tenant': server.owner,
    'an attempt that nobody knows': ATTEMPT_TOKEN_PREFIX + newSecret(),
  });
  checkpoint = await createCheckpoint(server.db);
}, 60_000);
afterAll(() => server.close());

const send = async (name: MessageName, { attempt, ...more }: StagedAttempt, token = attempt.token) => {
  const [route, given] = MESSAGES[name]({ attempt, ...more });
  return codeOf(await server.call(route, token, { ...given, params: { task_id: attempt.taskId } }));
};

test('the table names every message and every state', () => {
  expect(rows[0]).toEqual(stateNames);
  expect(rows.slice(1).map(([name]) => name)).toEqual(messageNames);
});

/** These hand out what may hold secrets, and every access is written down; nothing else may change with the second one. */
const ACCESSES: ReadonlySet<MessageName> = new Set(['data', 'plan_file', 'state']);
const leaveOutEntries = (all: ReadonlyMap<string, string>) =>
  new Map([...all].filter(([key]) => !key.startsWith('audit ')));

describe.each(stateNames)('an attempt that is %s', (state) => {
  test.each(messageNames)('is sent %s, twice', async (message) => {
    const [first, second] = expected(message, state);
    expect(await send(message, staged[state])).toBe(first);
    const after = await checkpoint.readRows();
    const changes = await checkpoint.listChanges(after);
    const isRefused = !['ok', 'quarantined', 'permit_refused'].includes(first);
    if (isRefused) expect(changes).toEqual([]);
    // Nobody else's task, attempt or workspace is ever touched.
    const { attempt, workspaceId } = staged[state];
    const own = [`attempts ${attempt.id}`, `tasks ${attempt.taskId}`, `workspaces ${workspaceId}`];
    expect(changes.filter((row) => /^(attempts|tasks|workspaces) /.test(row) && !own.includes(row))).toEqual([]);
    // What went into quarantine is told to people, in the task's history.
    if (first === 'quarantined') expect(changes.join()).toMatch(/state_versions .*task_events /);
    expect(await send(message, staged[state])).toBe(second);
    const again = await checkpoint.readRows();
    if (ACCESSES.has(message)) expect(leaveOutEntries(again)).toEqual(leaveOutEntries(after));
    else if (message !== RENEWS) expect(again).toEqual(after);
    if (changes.length > 0) await checkpoint.restore();
  });
});

describe('a credential that is not the attempt’s', () => {
  test.each([
    ["another task's attempt", ['not_found']],
    ["another tenant's attempt", ['not_found']],
    ["another tenant's owner", ['unauthenticated', 'forbidden']],
    ["another tenant's agent", ['unauthenticated', 'forbidden']],
    ['the agent itself', ['unauthenticated', 'forbidden']],
    ['a person of the tenant', ['unauthenticated', 'forbidden']],
    ['an attempt that nobody knows', ['unauthenticated']],
  ])('of %s is refused for every message at every state, and changes nothing', async (who, codes) => {
    for (const state of stateNames)
      for (const message of messageNames) expect(codes).toContain(await send(message, staged[state], neighbours[who]));
    expect(await checkpoint.listChanges()).toEqual([]);
  });

  test.each(stateNames)(
    'of an earlier attempt delivers and does nothing else, while the present one is %s',
    async (state) => {
      const { attempt, old } = staged[state];
      const present = (await checkpoint.listCurrent(attempt.taskId)) as object;
      for (const message of messageNames) {
        const code = await send(message, staged[state], old.token);
        if (DELIVERS.has(message)) expect(['ok', 'conflict', 'quarantined']).toContain(code);
        else expect(['fenced', 'conflict']).toContain(code);
        expect(await checkpoint.listCurrent(attempt.taskId)).toEqual(present);
      }
      await checkpoint.restore();
    },
  );
});

describe('an offer', () => {
  /** A task whose offer waits, beside the agent that it was made to. */
  async function offered() {
    const { workspace_id } = await makeWorkspace(server, ground.poolId);
    const { id: taskId } = await makeTask(server, workspace_id, {});
    const { id } = await server.db
      .selectFrom('attempts')
      .select('id')
      .where('task_id', '=', taskId)
      .executeTakeFirstOrThrow();
    return { taskId, id, accept: { attempt_id: id, secret_hash: sha256Hex(newSecret()) } };
  }
  const say = async (token: string, route: 'acceptAttempt' | 'rejectAttempt', taskId: string, body: object) =>
    codeOf(await server.call(route, token, { params: { task_id: taskId }, body }));

  test('is taken by the agent it was made to, and by nobody else', async () => {
    const { taskId, id, accept } = await offered();
    const { token } = await server.must('createPoolToken', server.owner, {
      params: { id: ground.poolId },
      body: { name: 'second' },
    });
    const colleague: TestAgent = await makeAgent(server, token, 'colleague');
    const before = await createCheckpoint(server.db);
    const reject = { attempt_id: id, reason: 'I would rather not' };
    for (const other of [colleague.token, foreign.agent.token]) {
      expect(await say(other, 'acceptAttempt', taskId, accept)).toBe('not_found');
      expect(await say(other, 'rejectAttempt', taskId, reject)).toBe('not_found');
    }
    for (const other of [staged.running.attempt.token, server.owner, 'agt_nobody'])
      expect(['unauthenticated', 'forbidden']).toContain(await say(other, 'acceptAttempt', taskId, accept));
    const foreignTask = staged.running.attempt.taskId;
    expect(['not_found', 'conflict', 'fenced']).toContain(
      await say(ground.agent.token, 'acceptAttempt', foreignTask, accept),
    );
    expect(await before.listChanges()).toEqual([]);
    expect(await say(ground.agent.token, 'acceptAttempt', taskId, accept)).toBe('ok');
    const taken = await before.readRows();
    expect(await say(ground.agent.token, 'acceptAttempt', taskId, accept)).toBe('ok');
    const copy = { ...accept, secret_hash: sha256Hex('a copy of the folder') };
    expect(await say(ground.agent.token, 'acceptAttempt', taskId, copy)).toBe('fenced');
    expect(await say(ground.agent.token, 'rejectAttempt', taskId, reject)).not.toBe('ok');
    expect(await before.readRows()).toEqual(taken);
    await server.db.updateTable('agents').set({ last_pull_at: null }).where('id', '=', colleague.id).execute();
  });

  test('that was given back cannot be taken any more', async () => {
    const { taskId, id, accept } = await offered();
    const reject = { attempt_id: id, reason: 'no room' };
    expect(await say(ground.agent.token, 'rejectAttempt', taskId, reject)).toBe('ok');
    const before = await createCheckpoint(server.db);
    expect(await say(ground.agent.token, 'acceptAttempt', taskId, accept)).toBe('fenced');
    await say(ground.agent.token, 'rejectAttempt', taskId, reject);
    expect(await before.listChanges()).toEqual([]);
  });
});
