import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { newSecret, sha256Hex } from '@groundcrew/kit';
import { type RouteName, routes } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  acceptOffer,
  beginApply,
  exitRecord,
  finishPlan,
  type LiveServer,
  logChunk,
  makeAgent,
  makeCrew,
  makeState,
  makeTask,
  makeWorkspace,
  markOf,
  postState,
  startLiveServer,
  stateHeaders,
  storePlan,
  type TestAgent,
} from '../tasks/live-server-for-tests.ts';

/** What each call that is no GET writes, as `action noun`; a call that is not in the table fails the test. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  signIn: ['sign_in token'],
  createUser: ['create user'],
  updateUser: ['update user'],
  deleteUser: ['delete user'],
  createToken: ['create token'],
  revokeToken: ['revoke token'],
  createSession: ['sign_in session'],
  signOut: ['end session'],
  endSession: ['end session'],
  changePassword: ['change_password user'],
  createGrant: ['create grant'],
  revokeGrant: ['revoke grant'],
  createClient: ['create client'],
  updateClient: ['update client'],
  rotateClient: ['rotate client'],
  revokeClient: ['revoke client'],
  updateQueueLimits: ['update_limits organization'],
  createWorkspace: ['create workspace'],
  updateWorkspace: ['update workspace'],
  deleteWorkspace: ['delete workspace'],
  lockWorkspace: ['lock workspace'],
  unlockWorkspace: ['unlock workspace'],
  createVariable: ['create variable'],
  updateVariable: ['update variable'],
  deleteVariable: ['delete variable'],
  createConfiguration: ['create configuration'],
  uploadConfiguration: ['create configuration'],
  createResource: ['create resource'],
  updateResource: ['update resource'],
  deleteResource: ['delete resource'],
  acceptStateVersion: ['accept state'],
  discardStateVersion: ['discard state'],
  pushState: ['push state'],
  rollbackState: ['rollback state'],
  createTask: ['create task'],
  approveTask: ['approve task'],
  discardTask: ['discard task'],
  cancelTask: ['cancel task'],
  closeTask: ['close task'],
  createAgent: ['create agent'],
  updateAgent: ['update agent'],
  deleteAgent: ['delete agent'],
  regenerateAgentToken: ['regenerate_token agent'],
  revokeAgentToken: ['revoke_token agent'],
  createPool: ['create pool'],
  updatePool: ['update pool'],
  deletePool: ['delete pool'],
  addPoolAgent: ['add_agent pool'],
  removePoolAgent: ['remove_agent pool'],
  createPoolToken: ['create_token pool'],
  rotatePoolToken: ['rotate_token pool'],
  revokePoolToken: ['revoke_token pool'],
  registerAgent: ['register agent'],
  postState: ['write state'],
  // Accesses to secrets.
  getTaskData: ['read_secrets task'],
  getTaskState: ['read_secrets task'],
  getTaskPlanFile: ['read_secrets task'],
  downloadState: ['download state'],
  downloadStateVersion: ['download state'],
  // What an agent and a runner say while a task goes its way is the task's own history (`GET /tasks/:id/events`).
  heartbeat: [],
  ping: [],
  pingByBody: [],
  pullTask: [],
  acceptAttempt: [],
  rejectAttempt: [],
  renewAttempt: [],
  returnAttempt: [],
  putPlanFile: [],
  reportPlan: [],
  askPermit: [],
  lockState: [],
  appendLog: [],
  putStatus: [],
  finishAttempt: [],
};

/** Planted; none of it may stand in the log. */
const SECRETS = {
  variable: `canary-${newSecret()}`,
  changed: `canary-${newSecret()}`,
  output: `canary-${newSecret()}`,
  password: `canary-${newSecret()}`,
};

let server: LiveServer;
let agent: TestAgent;
let poolId: string;
/** Names of the routes that were answered well, by the request's id. */
const calls = new Map<string, RouteName>();
beforeAll(async () => {
  server = await startLiveServer();
  const { call } = server;
  server.call = async (name, token, given) => {
    const answer = await call(name, token, given);
    if (answer.status < 300) calls.set(answer.headers.get('x-request-id') as string, name);
    return answer;
  };
  server.must = async (name, token, given) => {
    const answer = await server.call(name, token, given);
    if (answer.status >= 300) throw new Error(`${name} was answered ${answer.status}: ${answer.text}`);
    return answer.body;
  };
  const crew = await makeCrew(server);
  poolId = crew.pool.id;
  agent = crew.agents[0] as TestAgent;
  const body = { max_plan_concurrency: 1000, allow_apply_concurrent: true };
  await server.must('updatePool', server.owner, { params: { id: poolId }, body });
  await server.db
    .updateTable('agents')
    .set({ limits: JSON.stringify({ max_concurrent_jobs: 1000 }) })
    .execute();
});
afterAll(() => server.close());

const must: LiveServer['must'] = (...call) => server.must(...call);

async function people(): Promise<void> {
  const { owner } = server;
  const user = await must('createUser', owner, { body: { name: 'ann', role: 'viewer' } });
  await must('updateUser', owner, { params: { user_id: user.id }, body: { role: 'operator' } });
  const token = await must('createToken', owner, { body: { name: 't', user_id: user.id } });
  await must('revokeToken', owner, { params: { token_id: token.id } });
  const invitation = await must('createToken', owner, { body: { name: 'i', kind: 'sign_in' } });
  await must('signIn', '', { body: { sign_in_token: invitation.token } });
  await must('deleteUser', owner, { params: { user_id: user.id } });
}

/** Secrets that were handed out on the way. */
const given: string[] = [];

/** A browser that signs in with a one-time token; what it sends from then on. */
async function startSession(userId: string): Promise<Record<string, string>> {
  const invitation = await must('createToken', server.owner, {
    body: { name: 'i', kind: 'sign_in', user_id: userId },
  });
  const answer = await server.call('createSession', '', { body: { sign_in_token: invitation.token } });
  const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? '';
  given.push(cookie.slice(cookie.indexOf('=') + 1), answer.body.csrf_token);
  return { cookie, 'x-csrf-token': answer.body.csrf_token };
}

async function sessions(): Promise<void> {
  const { id } = await must('createUser', server.owner, { body: { name: 'bob', role: 'viewer' } });
  const [one, other] = [await startSession(id), await startSession(id)];
  await must('changePassword', '', { body: { new_password: SECRETS.password }, headers: one });
  expect((await server.call('getSession', '', { headers: other })).status).toBe(401);
  await startSession(id);
  const { items } = await must('listSessions', '', { headers: one });
  const second = items.find(({ current }) => !current)?.id as string;
  await must('endSession', '', { params: { session_id: second }, headers: one });
  await must('signOut', '', { headers: one });
}

async function rights(): Promise<void> {
  const { owner } = server;
  const { workspace_id } = await makeWorkspace(server, poolId);
  const { id: user_id } = await must('createUser', owner, { body: { name: 'cleo', role: 'member' } });
  const grant = await must('createGrant', owner, { body: { workspace_id, user_id, role: 'viewer' } });
  await must('revokeGrant', owner, { params: { grant_id: grant.id } });
  const client = await must('createClient', owner, { body: { name: 'pipeline', pool_id: poolId } });
  const params = { client_id: client.id };
  await must('updateClient', owner, { params, body: { description: 'd' } });
  const rotated = await must('rotateClient', owner, { params, body: {} });
  await must('revokeClient', owner, { params });
  given.push(client.app_secret, rotated.app_secret);
}

async function workspaces(): Promise<void> {
  const { owner } = server;
  const { workspace_id } = await makeWorkspace(server, poolId);
  const params = { workspace_id };
  await must('updateWorkspace', owner, { params, body: { description: 'd' } });
  await must('lockWorkspace', owner, { params, body: { reason: 'r' } });
  await must('unlockWorkspace', owner, { params, body: {} });
  const variable = { key: 'password', category: 'terraform', sensitive: true };
  const { id: variable_id } = await must('createVariable', owner, {
    params,
    body: { ...variable, value: SECRETS.variable },
  });
  await must('updateVariable', owner, { params: { ...params, variable_id }, body: { value: SECRETS.changed } });
  await must('deleteVariable', owner, { params: { ...params, variable_id } });
  await must('createConfiguration', owner, { params, body: { files: { 'main.tf': 'output "a" { value = 1 }' } } });
  const folder = pack();
  folder.entry({ name: 'main.tf' }, 'output "a" { value = 1 }');
  folder.finalize();
  const archive = gzipSync(await buffer(folder));
  const headers = { 'content-type': 'application/gzip', 'x-content-sha256': sha256Hex(archive) };
  await must('uploadConfiguration', owner, { params, body: archive, headers });
  const { resource_id } = await must('createResource', owner, {
    params,
    body: { name: 'r', type: 't', tf_code: 'locals {}' },
  });
  await must('updateResource', owner, { params: { ...params, resource_id }, body: { tf_code: 'locals { a = 1 }' } });
  await must('deleteResource', owner, { params: { ...params, resource_id } });
  await must('deleteWorkspace', owner, { params });
}

const stateWithSecret = (serial: number, lineage?: string) =>
  makeState(serial, lineage, { a: { value: SECRETS.output, type: 'string', sensitive: true } });

async function states(): Promise<void> {
  const { owner } = server;
  const { workspace_id } = await makeWorkspace(server, poolId);
  const params = { workspace_id };
  for (const serial of [1, 2]) {
    const state = stateWithSecret(serial);
    await must('pushState', owner, { params, body: state, headers: stateHeaders(state) });
  }
  await must('downloadState', owner, { params });
  await must('rollbackState', owner, { params, body: { version: 1, message: 'm' } });
  for (const decide of ['acceptStateVersion', 'discardStateVersion'] as const) {
    const task = await makeTask(server, workspace_id);
    const attempt = await acceptOffer(server, agent, task.id);
    await attempt.must('getTaskState');
    // A plan has no right to write a state.
    await postState(attempt, stateWithSecret(9, `l-${decide}`));
    const { items } = await must('listStateVersions', owner, { params, query: { standing: 'quarantined' } });
    const at = { params: { state_version_id: items[0]?.id as string } };
    await must('downloadStateVersion', owner, at);
    await attempt.must('finishAttempt', { body: exitRecord({ result: 'failed', exit_code: 1 }) });
    await must(decide, owner, { ...at, body: { reason: 'r', message: 'm', force: true } });
  }
}

const attemptOf = async (taskId: string) => acceptOffer(server, agent, taskId);

/** A task with a plan that waits for an approval, on a workspace of its own. */
async function planned() {
  const { workspace_id } = await makeWorkspace(server, poolId);
  const secret = { key: 'p', category: 'terraform', sensitive: true, value: SECRETS.variable };
  await must('createVariable', server.owner, { params: { workspace_id }, body: secret });
  const { id } = await makeTask(server, workspace_id, { task_type: 'plan_and_apply' });
  const attempt = await attemptOf(id);
  const { planChecksum } = await storePlan(attempt);
  await finishPlan(attempt, planChecksum);
  return { id, planChecksum };
}

async function tasks(): Promise<void> {
  const { owner } = server;
  const { id, planChecksum } = await planned();
  await must('approveTask', owner, { params: { task_id: id }, body: { plan_checksum: planChecksum } });
  await server.modules.tasks.dispatcher.pass();
  const apply = await attemptOf(id);
  await apply.must('getTaskData');
  await apply.must('getTaskPlanFile');
  await apply.must('renewAttempt', { body: {} });
  await apply.must('appendLog', { body: logChunk('apply', 0, 'a\n') });
  await apply.must('putStatus', { body: { status: 'running', stage: 'init' } });
  await beginApply(apply, planChecksum);
  const state = stateWithSecret(1);
  expect((await postState(apply, state)).status).toBeLessThan(300);
  const logs = [{ phase: 'apply', length: 2, checksum: sha256Hex('a\n') }];
  await apply.must('finishAttempt', { body: exitRecord({ logs, last_state: markOf(state) }) });
  const { id: discarded } = await planned();
  await must('discardTask', owner, { params: { task_id: discarded }, body: { reason: 'r' } });
}

async function ends(): Promise<void> {
  const { owner } = server;
  const { workspace_id, name } = await makeWorkspace(server, poolId);
  const { id: cancelled } = await makeTask(server, workspace_id);
  const body = { attempt_id: await newestAttempt(cancelled), reason: 'full' };
  await must('rejectAttempt', agent.token, { params: { task_id: cancelled }, body });
  await must('cancelTask', owner, { params: { task_id: cancelled }, body: { level: 1 } });
  const { id: returned } = await makeTask(server, (await makeWorkspace(server, poolId)).workspace_id);
  await (await attemptOf(returned)).must('returnAttempt', { body: { reason: 'r' } });
  const { id } = await makeTask(server, workspace_id, { task_type: 'plan_and_apply', auto_approve: true });
  const attempt = await attemptOf(id);
  const { planChecksum } = await storePlan(attempt);
  await beginApply(attempt, planChecksum);
  await beSilent(id);
  await must('closeTask', owner, { params: { task_id: id }, body: { workspace: name, reason: 'r' } });
}

/** Lets days pass without a word from the task's attempt. */
async function beSilent(taskId: string): Promise<void> {
  const by = sql`interval '9 days'`;
  await sql`UPDATE tasks SET deadline_at = deadline_at - ${by} WHERE id = ${taskId}`.execute(server.db);
  await sql`UPDATE attempts SET lease_until = lease_until - ${by}, give_up_at = give_up_at - ${by} WHERE task_id = ${taskId}`.execute(
    server.db,
  );
  await server.modules.tasks.keeper.sweep();
}

const newestAttempt = async (taskId: string): Promise<string> =>
  (await server.db.selectFrom('attempts').select('id').where('task_id', '=', taskId).executeTakeFirstOrThrow()).id;

async function fleet(): Promise<void> {
  const { owner } = server;
  const pool = await must('createPool', owner, { body: { name: 'fleet' } });
  const poolToken = await must('createPoolToken', owner, { params: { id: pool.id }, body: { name: 'x' } });
  const at = { id: pool.id, token_id: poolToken.id };
  const fresh = await must('rotatePoolToken', owner, { params: at, body: {} });
  given.push(poolToken.token, fresh.token);
  await must('revokePoolToken', owner, { params: at });
  await must('updateQueueLimits', owner, { body: { max_concurrent_tasks: 500 } });
  const made = await must('createAgent', owner, { body: { name: 'by-hand', pool_id: poolId } });
  const params = { id: made.id };
  await must('updateAgent', owner, { params, body: { description: 'd' } });
  const { token } = await must('regenerateAgentToken', owner, { params });
  await makeAgent(server, token, 'by-hand-1');
  await must('addPoolAgent', owner, { params: { id: pool.id }, body: { agent_id: made.id } });
  await must('removePoolAgent', owner, { params: { id: pool.id, agent_id: made.id } });
  await must('revokeAgentToken', owner, { params });
  await must('deleteAgent', owner, { params });
  await must('deletePool', owner, { params: { id: pool.id } });
  const beat = { agent_id: agent.agentId, busy: false, status: 'online', plan_tasks_running: 0, current_tasks: [] };
  const body = { ...beat, cpu_usage: 0, mem_usage: 0, timestamp: new Date().toISOString() };
  await must('heartbeat', agent.token, { params: { id: agent.id }, body });
  await must('ping', agent.token, { params: { id: agent.id }, body: { agent_id: agent.agentId } });
  await must('pingByBody', agent.token, { body: { agent_id: agent.agentId } });
  await must('pullTask', agent.token, { body: { free_slots: 0, wait_seconds: 0 } });
}

test('every call that changes something or hands out a secret stands in the audit log, and none of them a secret', async () => {
  await people();
  await sessions();
  await rights();
  await workspaces();
  await states();
  await tasks();
  await ends();
  await fleet();

  const mutating = (Object.keys(routes) as RouteName[]).filter((name) => routes[name].method !== 'GET');
  const called = new Set(calls.values());
  expect([...mutating, ...Object.keys(EXPECTED)].filter((name) => !called.has(name as RouteName))).toEqual([]);
  expect(mutating.filter((name) => EXPECTED[name] === undefined)).toEqual([]);

  const rows = await server.db.selectFrom('audit').selectAll().orderBy('seq').execute();
  const written = Map.groupBy(rows, ({ request_id }) => request_id);
  const differing = [...calls].flatMap(([id, name]) => {
    const found = (written.get(id) ?? []).map(({ action, noun }) => `${action} ${noun}`);
    return EXPECTED[name] === undefined || `${found}` === `${EXPECTED[name]}` ? [] : [`${name}: ${found}`];
  });
  expect([...new Set(differing)]).toEqual([]);

  const text = JSON.stringify(rows);
  for (const secret of [...Object.values(SECRETS), ...given, server.owner, agent.token])
    expect(text).not.toContain(secret);
  expect(text).not.toMatch(/\b(gct|gcs|gcw|agt|apt|att)_[A-Za-z0-9_-]{20}/);
});
