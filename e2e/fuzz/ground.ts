import type { Client } from '@groundcrew/client';
import { newSecret, sha256Hex } from '@groundcrew/kit';
import { ATTEMPT_TOKEN_PREFIX, type UserId, type Workspace } from '@groundcrew/protocol';
import type { RunningServer } from '../harness/index.ts';
import type { Known } from './known.ts';

/** What requests are about, and credentials of each kind that are good. */
export interface Ground {
  readonly known: Known;
  readonly tokens: Readonly<Record<string, string>>;
}

const STATE = Buffer.from(
  '{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"fuzz","outputs":{},"resources":[],"check_results":null}',
);
const newName = (): string =>
  `f-${newSecret(9)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, 'x')}`;

/** Makes one of everything: requests delete, lock and revoke what they are given, so each round begins on new ground. */
export async function prepareGround(server: RunningServer): Promise<Ground> {
  const { client } = server;
  // An earlier request may have changed it, and then nothing would be offered to anybody.
  await client.call('updateQueueLimits', { body: { max_concurrent_tasks: null } });
  const own = await prepareAttempt(client);
  const workspace = await client.call('createWorkspace', { body: { name: newName(), tf_code: '# nothing' } });
  const inside = await fillWorkspace(client, workspace);
  const task = await client.call('createTask', { body: { workspace_id: workspace.workspace_id, task_type: 'plan' } });
  const user = await client.call('createUser', { body: { name: newName(), role: 'viewer' } });
  const signedIn = await prepareSignedIn(client, workspace, user.id);
  const apiToken = await client.call('createToken', { body: { name: 'fuzz', user_id: user.id } });
  const pool = await client.call('createPool', { body: { name: newName() } });
  const poolToken = await client.call('createPoolToken', { params: { id: pool.id }, body: {} });
  const agent = await client.call('createAgent', { body: { name: newName() } });
  return {
    known: {
      ...own.known,
      ...inside,
      ...signedIn.known,
      workspace: workspace.workspace_id,
      workspace_name: workspace.name,
      task: task.id,
      pool: pool.id,
      pool_token: poolToken.id,
      agent: agent.id,
      user: user.id,
      api_token: apiToken.id,
    },
    tokens: { ...own.tokens, user: server.token, leaving: signedIn.token },
  };
}

/** Who is signed in with which rights, and a token of somebody who may lose it: what signs out must not sign out everybody. */
async function prepareSignedIn(client: Client, { workspace_id }: Workspace, user_id: UserId) {
  const grant = await client.call('createGrant', { body: { workspace_id, user_id, role: 'planner' } });
  const machine = await client.call('createClient', { body: { name: newName() } });
  const { token: sign_in_token } = await client.call('createToken', { body: { name: 'f', kind: 'sign_in', user_id } });
  const { session } = await client.call('createSession', { body: { sign_in_token } });
  const leaving = await client.call('createUser', { body: { name: newName(), role: 'admin' } });
  const { token } = await client.call('createToken', { body: { name: 'f', user_id: leaving.id } });
  const password = newSecret();
  await client.call('changePassword', { body: { new_password: password } }, { token });
  const unused = await client.call('createToken', { body: { name: 'f', kind: 'sign_in', user_id } });
  const words = { sign_in_token: unused.token, login: leaving.name, password };
  return { known: { grant: grant.id, client: machine.id, session: session.id, ...words }, token };
}

async function fillWorkspace(client: Client, { workspace_id }: Workspace) {
  const params = { workspace_id };
  const variable = await client.call('createVariable', { params, body: { key: 'a', value: 'b' } });
  const configuration = await client.call('createConfiguration', { params, body: { files: { 'main.tf': '' } } });
  const resource = await client.call('createResource', { params, body: { name: 'r', tf_code: '# r' } });
  const stateVersion = await client.call('pushState', {
    params,
    query: {},
    headers: { 'x-content-sha256': sha256Hex(STATE) },
    raw: STATE,
  });
  return {
    variable: variable.id,
    configuration: configuration.id,
    resource: resource.resource_id,
    state_version: stateVersion.id,
  };
}

/** An agent that has signed on, and an attempt that it has accepted. */
async function prepareAttempt(client: Client) {
  const pool = await client.call('createPool', { body: { name: newName() } });
  const { token } = await client.call('createPoolToken', { params: { id: pool.id }, body: {} });
  const agent_id = newName();
  const register = { name: agent_id, agent_id, capabilities: { installs_versions: true } };
  const agent = await client.call('registerAgent', { body: register }, { token });
  const { workspace_id } = await client.call('createWorkspace', {
    body: { name: newName(), execution_mode: 'agent', agent_pool_id: pool.id, tf_code: 'output "a" { value = 1 }' },
  });
  const task = await client.call('createTask', { body: { workspace_id, task_type: 'plan_and_apply' } });
  const offer = await client.call('pullTask', { body: {} }, { token: agent.token, retry: 'idempotent' });
  if (offer === undefined) throw new Error('The server offered no task to the agent that asked for one.');
  const secret = newSecret();
  await client.call(
    'acceptAttempt',
    { params: { task_id: task.id }, body: { attempt_id: offer.attempt.id, secret_hash: sha256Hex(secret) } },
    { token: agent.token, retry: 'idempotent' },
  );
  return {
    known: { own_agent: agent.id, own_agent_name: agent_id, own_task: task.id, own_attempt: offer.attempt.id },
    tokens: { agent: agent.token, registrant: token, attempt: ATTEMPT_TOKEN_PREFIX + secret },
  };
}
