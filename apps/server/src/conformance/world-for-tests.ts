import { newId, newSecret, sha256Hex } from '@groundcrew/kit';
import type { RouteName } from '@groundcrew/protocol';
import {
  type Ground,
  prepareForeignGround,
  prepareGround,
  STATES,
  type StagedAttempt,
} from '../modules/tasks/attempt-states-for-tests.ts';
import {
  acceptOffer,
  type Call,
  logChunk,
  makeCrew,
  makeState,
  makeTask,
  makeWorkspace,
  NONCE,
  postState,
  startLiveServer,
  stateHeaders,
} from '../modules/tasks/live-server-for-tests.ts';
import {
  CODE_CHALLENGE,
  SIGN_IN_GIVENS,
  type SignOnGround,
  signOnSettings,
  startSignOnProvider,
} from './sign-in-for-tests.ts';

/** What the world made, by the names that path parameters and examples call it. */
export type Values = Record<string, string>;
export type World = Ground & SignOnGround & { readonly foreignOwner: string };

/** A server on a port of its own, with a pool, an agent in it, another organisation, and a provider to sign on through. */
export async function startWorld(): Promise<World> {
  const provider = await startSignOnProvider();
  const live = await startLiveServer({ settings: { BUILT_IN_AGENT_ENABLED: 'false', ...signOnSettings(provider) } });
  const close = async (): Promise<void> => {
    await live.close();
    await provider.close();
  };
  const server = { ...live, close };
  const ground = await prepareGround(server);
  const { server: foreign } = await prepareForeignGround(server);
  return { ...ground, foreignOwner: foreign.owner, provider };
}

type Given = (world: World) => Promise<Values>;

const create = async (world: World, name: RouteName, call: Call): Promise<Record<string, string>> =>
  (await world.server.must(name, world.server.owner, call)) as unknown as Record<string, string>;
const newName = (): string => newId('it');

/** Everything that the examples of docs/contract.md may ask to be there. */
export const GIVENS: Record<string, Given> = {
  'a workspace': async ({ server, poolId }) => {
    const { workspace_id, name } = await makeWorkspace(server, poolId);
    return { workspace_id, workspace_name: name };
  },
  'a variable': (world) =>
    inWorkspace(world, 'createVariable', { key: `k_${newSecret(6).replaceAll('-', '_')}`, value: 'v' }, 'variable_id'),
  'a configuration': (world) =>
    inWorkspace(world, 'createConfiguration', { files: { 'main.tf': '' } }, 'configuration_id'),
  'a resource': (world) => inWorkspace(world, 'createResource', { name: newName(), tf_code: '# a' }, 'resource_id'),
  'a state': async (world) => {
    const values = await need(world, 'a workspace');
    const pushed = await pushState(world, values, 1);
    await pushState(world, values, 2);
    return { ...values, state_version_id: pushed.id as string, version: '1' };
  },
  'a quarantined state': async (world) => {
    const { attempt, workspaceId } = await STATES.plan_ended(world);
    await postState(attempt, makeState(5));
    const { items } = await world.server.must('listStateVersions', world.server.owner, {
      params: { workspace_id: workspaceId },
      query: { standing: 'quarantined' },
    });
    return { workspace_id: workspaceId, state_version_id: items[0]?.id as string };
  },
  'a user': async (world) => {
    const { id } = await create(world, 'createUser', { body: { name: newName(), role: 'viewer' } });
    return { user_id: id as string };
  },
  'an API token': async (world) => {
    const { id } = await create(world, 'createToken', { body: { name: 'conformance' } });
    return { token_id: id as string };
  },
  ...SIGN_IN_GIVENS,
  'a grant': async (world) => {
    const values = { ...(await need(world, 'a workspace')), ...(await need(world, 'a user')) };
    const { workspace_id, user_id } = values as Values;
    const { id } = await create(world, 'createGrant', { body: { workspace_id, user_id, role: 'planner' } });
    return { ...values, grant_id: id as string };
  },
  'a machine client': async (world) => {
    const { id } = await create(world, 'createClient', { body: { name: newName() } });
    return { client_id: id as string };
  },
  'a pool': async (world) => {
    const { id } = await create(world, 'createPool', { body: { name: newName() } });
    return { id: id as string };
  },
  'a pool token': async (world) => {
    const { id } = await need(world, 'a pool');
    const made = await create(world, 'createPoolToken', {
      params: { id: id as string },
      body: { name: 'conformance' },
    });
    return { id: id as string, token_id: made.id as string, registrant_token: made.token as string };
  },
  'an agent': async (world) => {
    const { id, token } = await create(world, 'createAgent', { body: { name: newName() } });
    return { id: id as string, agent_token: token as string };
  },
  'an agent in a pool': async (world) => {
    const pool = await create(world, 'createPool', { body: { name: newName() } });
    const agent = await create(world, 'createAgent', { body: { name: newName(), pool_id: pool.id } });
    return { id: pool.id as string, agent_id: agent.id as string };
  },
  'an agent beside a pool': async (world) => {
    const { id: agent_id } = await need(world, 'an agent');
    return { ...(await need(world, 'a pool')), agent_id: agent_id as string };
  },
  'an agent that has signed on': async (world) => {
    const { agents } = await makeCrew(world.server);
    const [agent] = agents;
    if (agent === undefined) throw new Error('The crew is empty.');
    return { id: agent.id, agent_id: agent.agentId, agent_token: agent.token };
  },
  'an agent with a task': async (world) => {
    await STATES.running(world);
    return { id: world.agent.id };
  },
  'a task that waits': async (world) => {
    const values = await need(world, 'a workspace');
    const params = { workspace_id: values.workspace_id as string };
    await world.server.must('lockWorkspace', world.server.owner, { params, body: {} });
    const { id } = await makeTask(world.server, params.workspace_id);
    return { ...values, task_id: id };
  },
  'an offer': (world) => offer(world, world.poolId),
  // Whoever pulls counts as reachable only for a while after that: the agent of all the others does not.
  'an offer to pull': async (world) => {
    const { pool, agents } = await makeCrew(world.server);
    return { ...(await offer(world, pool.id)), agent_token: agents[0]?.token as string };
  },
  'an attempt': async (world) => toValues(await STATES.running(world)),
  'an attempt with a configuration': async (world) => {
    const values = await need(world, 'a configuration');
    const { id } = await makeTask(world.server, values.workspace_id as string);
    const attempt = await acceptOffer(world.server, world.agent, id);
    return { ...values, task_id: id, attempt_token: attempt.token };
  },
  'an attempt with a log': async (world) => {
    const staged = await STATES.running(world);
    await staged.attempt.must('appendLog', { body: logChunk('plan', 0, 'a line\n') });
    return toValues(staged);
  },
  'an approved plan': async (world) => toValues(await STATES.approved(world)),
  'a permit': async (world) => toValues(await STATES.permit(world)),
  'an apply under way': async (world) => toValues(await STATES.permit_used(world)),
  'an apply with a state': async (world) => toValues(await STATES.state_stored(world)),
  'a plan that waits for approval': async (world) => toValues(await STATES.plan_ended(world)),
  'an approved plan that is applied': async (world) => {
    const staged = await STATES.plan_ended(world);
    const { taskId } = staged.attempt;
    await world.server.must('approveTask', world.server.owner, {
      params: { task_id: taskId },
      body: { plan_checksum: staged.planChecksum },
    });
    await world.server.modules.tasks.dispatcher.pass();
    const { token } = await acceptOffer(world.server, world.agent, taskId);
    return { ...toValues(staged), attempt_token: token };
  },
  'a task in need of a person': async (world) => {
    const values = toValues(await STATES.interrupted(world));
    const params = { workspace_id: values.workspace_id as string };
    const { name } = await world.server.must('getWorkspace', world.server.owner, { params });
    return { ...values, workspace_name: name };
  },
};

/** Makes what is asked for, several things separated by commas. */
export async function need(world: World, given: string): Promise<Values> {
  const values: Values = {
    new: newName(),
    nonce: NONCE,
    checksum: sha256Hex('a\n'),
    code_challenge: CODE_CHALLENGE,
  };
  for (const name of given.split(',').map((part) => part.trim())) {
    if (name === '') continue;
    const make = GIVENS[name];
    if (make === undefined)
      throw new Error(`The world cannot make "${name}"; it makes ${Object.keys(GIVENS).join(', ')}.`);
    Object.assign(values, await make(world));
  }
  return values;
}

async function inWorkspace(world: World, name: RouteName, body: object, idName: string): Promise<Values> {
  const values = await need(world, 'a workspace');
  const made = await create(world, name, { params: { workspace_id: values.workspace_id as string }, body });
  return { ...values, [idName]: (made.resource_id ?? made.id) as string };
}

function pushState(world: World, values: Values, serial: number): Promise<Record<string, string>> {
  const state = makeState(serial);
  const params = { workspace_id: values.workspace_id as string };
  return create(world, 'pushState', { params, body: state, headers: stateHeaders(state) });
}

async function offer(world: World, poolId: string): Promise<Values> {
  const { workspace_id } = await makeWorkspace(world.server, poolId);
  const { id } = await makeTask(world.server, workspace_id);
  const attempt = await world.server.db
    .selectFrom('attempts')
    .select('id')
    .where('task_id', '=', id)
    .executeTakeFirstOrThrow();
  return { workspace_id, task_id: id, attempt_id: attempt.id, secret_hash: sha256Hex(newSecret()) };
}

const toValues = ({ attempt, workspaceId, planChecksum }: StagedAttempt): Values => ({
  workspace_id: workspaceId,
  task_id: attempt.taskId,
  attempt_id: attempt.id,
  attempt_token: attempt.token,
  plan_checksum: planChecksum,
});
