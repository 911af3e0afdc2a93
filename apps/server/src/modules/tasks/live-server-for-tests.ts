import { type Clock, createLogger, newId, newSecret, sha256Hex } from '@groundcrew/kit';
import {
  API_PREFIX,
  ATTEMPT_TOKEN_PREFIX,
  type ErrorBody,
  type RouteAnswer,
  type RouteName,
  type Routes,
  routes,
  type Task,
  type Workspace,
} from '@groundcrew/protocol';
import { createTemporaryFolder, createTestDatabase } from '@groundcrew/testkit';
import { buildServer } from '../../build-server.ts';
import { readConfiguration } from '../../configuration.ts';
import { exitRecord, NONCE, planReport, stateHeaders } from './attempt-bodies-for-tests.ts';

export { exitRecord, logChunk, logEnd, makeState, markOf, NONCE, stateHeaders } from './attempt-bodies-for-tests.ts';

/** What a call is made with, by the names of the route table. */
export interface Call {
  params?: Record<string, string>;
  query?: Record<string, string | number>;
  /** Anything but bytes goes as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
}

type AnswerOf<N extends RouteName> = RouteAnswer<Routes[N]> extends object ? RouteAnswer<Routes[N]> : object;

export interface Answered<N extends RouteName> {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed JSON, whichever of the two it is. */
  body: AnswerOf<N> & ErrorBody;
}

export interface LiveServerOptions {
  /** Settings as the environment gives them, without the prefix. */
  settings?: Record<string, string>;
  /** Whether dispatcher, lease keeper and sweeper run by themselves. */
  loops?: boolean;
  clock?: Clock;
}

/** The whole server on a database and a port of its own, with the first user's token. */
export async function startLiveServer({ settings = {}, loops = false, clock }: LiveServerOptions = {}) {
  const database = await createTestDatabase();
  const home = createTemporaryFolder('server');
  const env = Object.fromEntries(Object.entries(settings).map(([key, value]) => [`GROUNDCREW_${key}`, value]));
  const configuration = readConfiguration({
    GROUNDCREW_HOME: home.path,
    GROUNDCREW_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
    ...env,
  });
  const logger = createLogger({ name: 'test', level: (process.env.TEST_LOG as 'debug') ?? 'silent' });
  const server = await buildServer({
    configuration,
    address: database.address,
    logger,
    strict: true,
    ...(clock && { clock }),
  });
  const { signInToken } = await server.modules.users.prepareFirstStart(false);
  if (loops) await server.start();
  const url = await server.http.listen({ host: '127.0.0.1', port: 0 });
  const { db, sealer, blobs, bus } = server.platform;
  const { modules } = server;

  /** Makes a call of the route table. @param token empty for none */
  async function call<N extends RouteName>(
    name: N,
    token: string,
    { params = {}, query, body, headers }: Call = {},
  ): Promise<Answered<N>> {
    const { method, path } = routes[name];
    const filled = path.replace(/:([a-z_]+)/g, (_, key: string) => encodeURIComponent(params[key] ?? ''));
    const search = query === undefined ? '' : `?${new URLSearchParams(query as Record<string, string>)}`;
    const raw = body instanceof Uint8Array;
    const type: Record<string, string> = body === undefined || raw ? {} : { 'content-type': 'application/json' };
    const response = await fetch(`${url}${API_PREFIX}${filled}${search}`, {
      method,
      headers: { ...(token !== '' && { authorization: `Bearer ${token}` }), ...type, ...headers },
      ...(body === undefined ? {} : { body: raw ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = response.headers.get('content-type')?.startsWith('application/json');
    return { status: response.status, headers: response.headers, text, body: json ? JSON.parse(text) : undefined };
  }

  /** As {@link call}; anything but success fails the test. */
  async function must<N extends RouteName>(name: N, token: string, given: Call = {}): Promise<AnswerOf<N>> {
    const { status, body, text } = await call(name, token, given);
    if (status >= 300) throw new Error(`${name} was answered ${status}: ${text}`);
    return body;
  }

  const signedIn = await fetch(`${url}${API_PREFIX}/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sign_in_token: signInToken }),
  });
  const { token: owner } = (await signedIn.json()) as { token: string };

  return {
    url,
    server,
    db,
    sealer,
    blobs,
    bus,
    modules,
    call,
    must,
    /** The first user's API token. */
    owner,
    async close(): Promise<void> {
      await server.close();
      await database.drop();
      home.remove();
    },
  };
}
export type LiveServer = Awaited<ReturnType<typeof startLiveServer>>;

/** A pool with a registration token, and agents in it that count as reachable. */
export async function makeCrew(test: LiveServer, size = 1) {
  const { must, owner } = test;
  const pool = await must('createPool', owner, {
    body: { name: `pool-${newId('x').slice(2, 8)}`, max_plan_concurrency: 10 },
  });
  const { token } = await must('createPoolToken', owner, { params: { id: pool.id }, body: { name: 'crew' } });
  const agents: TestAgent[] = [];
  for (let n = 1; n <= size; n += 1) agents.push(await makeAgent(test, token, `${pool.name}-agent-${n}`));
  return { pool, token, agents };
}

/** A pool and the one agent in it, which take as many attempts at once, applies too, as a test may think of. */
export async function makeBoundlessAgent(test: LiveServer): Promise<{ agent: TestAgent; poolId: string }> {
  const { pool, token } = await makeCrew(test, 0);
  const body = { max_plan_concurrency: 1000, allow_apply_concurrent: true };
  await test.must('updatePool', test.owner, { params: { id: pool.id }, body });
  const agent = await makeAgent(test, token, `${pool.name}-agent`, { max_concurrent_jobs: 1000 });
  return { agent, poolId: pool.id };
}

export interface TestAgent {
  id: string;
  agentId: string;
  token: string;
}

/** Registers an agent and lets it count as reachable, as if it pulled. */
export async function makeAgent(
  test: LiveServer,
  token: string,
  agentId: string,
  limits = { max_concurrent_jobs: 3 },
): Promise<TestAgent> {
  const body = {
    name: agentId,
    agent_id: agentId,
    machine_id: agentId,
    limits,
    capabilities: { terraform_versions: ['1.11.4'], installs_versions: true },
  };
  const { id, token: jwt } = await test.must('registerAgent', token, { body });
  // On a busy machine a test may take longer than an agent may be silent.
  const last_pull_at = new Date(Date.now() + 3_600_000);
  await test.db.updateTable('agents').set({ last_pull_at }).where('id', '=', id).execute();
  return { id, agentId, token: jwt };
}

/** A workspace whose code is one output. */
export async function makeWorkspace(
  test: LiveServer,
  poolId: string,
  given: Record<string, unknown> = {},
): Promise<Workspace> {
  const body = {
    name: newId('ws'),
    execution_mode: 'agent',
    agent_pool_id: poolId,
    tf_code: 'output "a" { value = 1 }',
    ...given,
  };
  return test.must('createWorkspace', test.owner, { body });
}

/** An attempt as its runner sees it. */
export interface TestAttempt {
  id: string;
  taskId: string;
  secret: string;
  token: string;
  call: <N extends RouteName>(name: N, given?: Call) => Promise<Answered<N>>;
  must: <N extends RouteName>(name: N, given?: Call) => Promise<AnswerOf<N>>;
}

/** The newest offer of a task, as the agent that was asked takes it. */
export async function acceptOffer(test: LiveServer, agent: TestAgent, taskId: string): Promise<TestAttempt> {
  const row = await test.db
    .selectFrom('attempts')
    .select('id')
    .where('task_id', '=', taskId)
    .where('agent_id', '=', agent.id)
    .orderBy('number', 'desc')
    .executeTakeFirstOrThrow();
  const secret = newSecret();
  const params = { task_id: taskId };
  await test.must('acceptAttempt', agent.token, {
    params,
    body: { attempt_id: row.id, secret_hash: sha256Hex(secret) },
  });
  const token = ATTEMPT_TOKEN_PREFIX + secret;
  const withTask = (given: Call = {}): Call => ({ ...given, params });
  return {
    id: row.id,
    taskId,
    secret,
    token,
    call: (name, given) => test.call(name, token, withTask(given)),
    must: (name, given) => test.must(name, token, withTask(given)),
  };
}

/** Asks for a task and has the dispatcher give it away. */
export async function makeTask(
  test: LiveServer,
  workspaceId: string,
  given: Record<string, unknown> = {},
): Promise<Task> {
  const task = await test.must('createTask', test.owner, {
    body: { workspace_id: workspaceId, task_type: 'plan', ...given },
  });
  await test.modules.tasks.dispatcher.pass();
  return task;
}

/** Stores a plan bundle and reports it; gives what the attempt is to do next. */
export async function storePlan(
  attempt: TestAttempt,
  given: { lineage?: string | null; serial?: number | null; hasChanges?: boolean } = {},
) {
  const bundle = Buffer.from(`plan of ${attempt.id}`);
  const planChecksum = sha256Hex(`plan file of ${attempt.id}`);
  const headers = {
    'content-type': 'application/octet-stream',
    'x-content-sha256': sha256Hex(bundle),
    'x-plan-sha256': planChecksum,
  };
  await attempt.must('putPlanFile', { body: bundle, headers });
  const body = planReport(planChecksum, given);
  const answer = await attempt.must('reportPlan', { body });
  return { planChecksum, ...answer };
}
/** Ends a plan that came to its end. */
export const finishPlan = (attempt: TestAttempt, planChecksum: string | null) =>
  attempt.must('finishAttempt', { body: exitRecord({ plan_checksum: planChecksum }) });

/** Permit and LOCK: from here on Terraform may be changing things. */
export async function beginApply(attempt: TestAttempt, planChecksum: string): Promise<void> {
  await attempt.must('askPermit', { body: { nonce: NONCE, plan_checksum: planChecksum } });
  await attempt.must('lockState', { body: { nonce: NONCE, lock_id: `lock-${attempt.id}` } });
}

/** Sends a state as its bytes. */
export const postState = (attempt: TestAttempt, state: Buffer) =>
  attempt.call('postState', { body: state, headers: stateHeaders(state) });
