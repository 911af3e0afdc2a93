import { ApiError, type Client } from '@groundcrew/client';
import { newSecret, sha256Hex } from '@groundcrew/kit';
import {
  ATTEMPT_TOKEN_PREFIX,
  type AttemptId,
  type RouteName,
  type TaskId,
  type Workspace,
} from '@groundcrew/protocol';
import { makeState, NONCE, planReport, stateHeaders } from '@groundcrew/server/tasks/attempt-bodies-for-tests';
import { newName, type OwnGround } from './own-ground.ts';

/** An agent that speaks the protocol for as many attempts as are wanted, without running any Terraform. */
interface Crew {
  readonly client: Client;
  readonly pool: string;
  readonly registrant: string;
  readonly agent: { readonly id: string; readonly name: string; readonly token: string };
}

/** Something that the agent was offered, and the credential that the attempt gets once it is accepted. */
interface Offer {
  readonly workspace: Workspace;
  readonly taskId: TaskId;
  readonly attemptId: AttemptId;
  readonly secret: string;
  readonly planChecksum: string;
}

export async function startCrew(client: Client): Promise<Crew> {
  const body = { name: newName(), max_plan_concurrency: 1_000, allow_apply_concurrent: true };
  const pool = await client.call('createPool', { body });
  const { token } = await client.call('createPoolToken', { params: { id: pool.id }, body: {} });
  const name = newName();
  const limits = { max_concurrent_jobs: 1_000 };
  const register = { name, agent_id: name, limits, capabilities: { installs_versions: true } };
  const agent = await client.call('registerAgent', { body: register }, { token });
  return { client, pool: pool.id, registrant: token, agent: { id: agent.id, name, token: agent.token } };
}

interface Wanted {
  readonly auto_approve?: boolean;
  readonly withConfiguration?: boolean;
}

/** Has a task of a workspace of its own offered to the agent. */
async function offer(crew: Crew, { auto_approve = true, withConfiguration = false }: Wanted = {}): Promise<Offer> {
  const { client } = crew;
  const workspace = await client.call('createWorkspace', {
    body: { name: newName(), execution_mode: 'agent', agent_pool_id: crew.pool, tf_code: 'output "a" { value = 1 }' },
  });
  const { workspace_id } = workspace;
  if (withConfiguration)
    await client.call('createConfiguration', { params: { workspace_id }, body: { files: { 'main.tf': '' } } });
  const task = await client.call('createTask', { body: { workspace_id, task_type: 'plan_and_apply', auto_approve } });
  const attemptId = await pull(crew, task.id);
  return { workspace, taskId: task.id, attemptId, secret: newSecret(), planChecksum: sha256Hex(task.id) };
}

async function pull({ client, agent }: Crew, taskId: TaskId): Promise<AttemptId> {
  const offered = await client.call('pullTask', { body: {} }, { token: agent.token, retry: 'idempotent' });
  if (offered?.task_id === taskId) return offered.attempt.id;
  throw new Error(`The agent asked for task ${taskId}, and the server offered ${offered?.task_id ?? 'nothing'}.`);
}

async function accept({ client, agent }: Crew, { taskId, attemptId, secret }: Offer): Promise<void> {
  const body = { attempt_id: attemptId, secret_hash: sha256Hex(secret) };
  await client.call(
    'acceptAttempt',
    { params: { task_id: taskId }, body },
    { token: agent.token, retry: 'idempotent' },
  );
}

/** What the runner of an attempt says, in order of its life. */
function speakFor({ client }: Crew, { taskId, secret, planChecksum }: Offer) {
  const params = { task_id: taskId };
  const options = { token: ATTEMPT_TOKEN_PREFIX + secret, retry: 'idempotent' } as const;
  const state = makeState(1);
  const end = { exit_code: null, signal: null, logs: [] };
  return {
    async writeLog() {
      const body = { phase: 'plan' as const, offset: 0, content: 'a\n', checksum: sha256Hex('a\n') };
      await client.call('appendLog', { params, body }, options);
    },
    async storePlan() {
      const raw = Buffer.from('a plan');
      const headers = { 'x-content-sha256': sha256Hex(raw), 'x-plan-sha256': planChecksum };
      await client.call('putPlanFile', { params, headers, raw }, options);
      await client.call('reportPlan', { params, body: planReport(planChecksum) }, options);
    },
    async endPlan() {
      const body = { ...end, result: 'succeeded' as const, exit_code: 0, plan_checksum: planChecksum };
      await client.call('finishAttempt', { params, body }, options);
    },
    async askPermit() {
      await client.call('askPermit', { params, body: { nonce: NONCE, plan_checksum: planChecksum } }, options);
    },
    async beginApply() {
      await client.call('lockState', { params, body: { nonce: NONCE, lock_id: 'a lock' } }, options);
    },
    async storeState() {
      const { 'x-content-sha256': checksum } = stateHeaders(state);
      const body = { content: state.toString(), checksum, size: state.length };
      await client.call('postState', { params, body }, options);
    },
    /** The server keeps what comes after the end, but in quarantine, and says so. */
    async storeStateTooLate() {
      await this.storeState().catch((error: unknown) => {
        if (!(error instanceof ApiError && error.code === 'quarantined')) throw error;
      });
    },
    async breakOff() {
      await client.call('finishAttempt', { params, body: { ...end, result: 'interrupted' } }, options);
    },
  };
}
type Speech = ReturnType<typeof speakFor>;

function toOwnGround({ agent }: Crew, { workspace, taskId, attemptId, secret, planChecksum }: Offer) {
  return {
    known: {
      workspace: workspace.workspace_id,
      workspace_name: workspace.name,
      task: taskId,
      own_task: taskId,
      own_attempt: attemptId,
      own_agent: agent.id,
      own_agent_name: agent.name,
      plan_checksum: planChecksum,
      secret_hash: sha256Hex(secret),
    },
    tokens: { agent: agent.token, attempt: ATTEMPT_TOKEN_PREFIX + secret },
  };
}

type AttemptGround = ReturnType<typeof toOwnGround>;
type Stage = (crew: Crew) => Promise<AttemptGround>;

/** An attempt that has said so much. */
const staged =
  (steps: readonly (keyof Speech)[], wanted?: Wanted): Stage =>
  async (crew) => {
    const offered = await offer(crew, wanted);
    await accept(crew, offered);
    const speech = speakFor(crew, offered);
    for (const step of steps) await speech[step]();
    return toOwnGround(crew, offered);
  };

const running = staged([]);
const planned = staged(['storePlan']);
const permitted = staged(['storePlan', 'askPermit']);
const applying = staged(['storePlan', 'askPermit', 'beginApply', 'storeState']);
const interrupted = staged(['storePlan', 'askPermit', 'beginApply', 'storeState', 'breakOff']);
const waitsForApproval = staged(['storePlan', 'endPlan'], { auto_approve: false });

/** Alone with its agent, whose other calls would take the offer. */
const offered: Stage = async ({ client }) => {
  const crew = await startCrew(client);
  return toOwnGround(crew, await offer(crew));
};

/** The second attempt of a task, which applies what the first has planned. */
const appliesApproved: Stage = async (crew) => {
  const first = await offer(crew, { auto_approve: false });
  await accept(crew, first);
  const speech = speakFor(crew, first);
  await speech.storePlan();
  await speech.endPlan();
  const { taskId, planChecksum } = first;
  await crew.client.call('approveTask', { params: { task_id: taskId }, body: { plan_checksum: planChecksum } });
  const second = { ...first, attemptId: await pull(crew, taskId), secret: newSecret() };
  await accept(crew, second);
  return toOwnGround(crew, second);
};

/** A state that came after the attempt had ended. */
const quarantined: Stage = async (crew) => {
  const own = await staged(['storePlan', 'endPlan', 'storeStateTooLate'], { auto_approve: false })(crew);
  const { items } = await crew.client.call('listStateVersions', {
    params: { workspace_id: own.known.workspace },
    query: { standing: 'quarantined' },
  });
  return { ...own, known: { ...own.known, state_version: items[0]?.id as string } };
};

/** Calls that only an attempt at a certain point of its life gets to; those of a line may be made of one and the same attempt. */
const STAGES: readonly (readonly [Stage, ...RouteName[]])[] = [
  [offered, 'acceptAttempt'],
  [offered, 'rejectAttempt'],
  [staged([], { withConfiguration: true }), 'getTaskConfiguration'],
  [running, 'returnAttempt'],
  [running, 'putStatus'],
  [running, 'finishAttempt'],
  [planned, 'reportPlan', 'getPlan'],
  [permitted, 'askPermit', 'lockState'],
  [applying, 'postState', 'getTaskState'],
  [appliesApproved, 'getTaskPlanFile'],
  [waitsForApproval, 'approveTask'],
  [waitsForApproval, 'discardTask'],
  [interrupted, 'closeTask'],
  [quarantined, 'acceptStateVersion'],
  [quarantined, 'discardStateVersion'],
];

/** One after the other, so that what the agent is offered is what was asked for last. */
export async function prepareStages(crew: Crew): Promise<Record<string, OwnGround>> {
  const own: Record<string, OwnGround> = {};
  for (const [stage, ...operationIds] of STAGES) {
    const made = await stage(crew);
    for (const operationId of operationIds) own[operationId] = made;
  }
  return own;
}

/** What everything else of attempts is about. */
export async function prepareAttempt(crew: Crew) {
  const made = await staged(['writeLog'])(crew);
  return { ...made, own: { readLog: { known: { task: made.known.task } } } };
}
