import type { Client } from '@groundcrew/client';
import { sha256Hex } from '@groundcrew/kit';
import type { UserId, Workspace, WorkspaceId } from '@groundcrew/protocol';
import type { SignOnProvider } from '@groundcrew/server/conformance/sign-in-for-tests';
import { makeState, NONCE } from '@groundcrew/server/tasks/attempt-bodies-for-tests';
import type { RunningServer } from '../harness/index.ts';
import type { Known } from './known.ts';
import { newName, type OwnGround } from './own-ground.ts';
import { prepareSignIn } from './sign-in-ground.ts';
import { prepareAttempt, prepareStages, startCrew } from './stages.ts';

/** What requests are about, and credentials of each kind that are good. */
export interface Ground {
  readonly known: Known;
  readonly tokens: Readonly<Record<string, string>>;
  /** Of calls that have something for themselves, by their names. */
  readonly own: Readonly<Record<string, OwnGround>>;
}

/** The server under test, and the provider that its people may sign on through. */
export interface FuzzedServer {
  readonly server: RunningServer;
  readonly provider: SignOnProvider;
}

/** Makes one of everything: requests delete, lock and revoke what they are given, so each round begins on new ground. */
export async function prepareGround({ server, provider }: FuzzedServer): Promise<Ground> {
  const { client } = server;
  // An earlier request may have changed it, and then nothing would be offered to anybody.
  await client.call('updateQueueLimits', { body: { max_concurrent_tasks: null } });
  const crew = await startCrew(client);
  const attempt = await prepareAttempt(crew);
  const workspace = await client.call('createWorkspace', { body: { name: newName(), tf_code: '# nothing' } });
  const task = await client.call('createTask', { body: { workspace_id: workspace.workspace_id, task_type: 'plan' } });
  const user = await client.call('createUser', { body: { name: newName(), role: 'viewer' } });
  const signIn = await prepareSignIn(client, { server, provider }, user.id);
  const fleet = await prepareFleet(client);
  return {
    known: {
      ...attempt.known,
      ...(await fillWorkspace(client, workspace)),
      ...(await prepareRights(client, workspace, user.id)),
      ...signIn.known,
      ...fleet.known,
      workspace: workspace.workspace_id,
      workspace_name: workspace.name,
      task: task.id,
      user: user.id,
      nonce: NONCE,
      checksum: sha256Hex('a\n'),
    },
    tokens: { ...attempt.tokens, user: server.token, registrant: crew.registrant },
    own: {
      ...attempt.own,
      ...signIn.own,
      ...fleet.own,
      // The one that all others are about has a task that waits, and may not be removed.
      deleteWorkspace: {
        known: { workspace: (await client.call('createWorkspace', { body: { name: newName() } })).workspace_id },
      },
      ...(await prepareStages(crew)),
    },
  };
}

/** Pools and agents that do nothing. */
async function prepareFleet(client: Client) {
  const pool = await client.call('createPool', { body: { name: newName() } });
  const poolToken = await client.call('createPoolToken', { params: { id: pool.id }, body: {} });
  const agent = await client.call('createAgent', { body: { name: newName() } });
  const crowded = await client.call('createPool', { body: { name: newName() } });
  const inside = await client.call('createAgent', { body: { name: newName(), pool_id: crowded.id } });
  return {
    known: { pool: pool.id, pool_token: poolToken.id, agent: agent.id },
    own: { removePoolAgent: { known: { pool: crowded.id, agent: inside.id } } },
  };
}

async function prepareRights(client: Client, { workspace_id }: Workspace, user_id: UserId) {
  const grant = await client.call('createGrant', { body: { workspace_id, user_id, role: 'planner' } });
  const machine = await client.call('createClient', { body: { name: newName() } });
  const apiToken = await client.call('createToken', { body: { name: 'fuzz', user_id } });
  return { grant: grant.id, client: machine.id, api_token: apiToken.id };
}

async function fillWorkspace(client: Client, { workspace_id }: Workspace) {
  const params = { workspace_id };
  const variable = await client.call('createVariable', { params, body: { key: 'a', value: 'b' } });
  const configuration = await client.call('createConfiguration', { params, body: { files: { 'main.tf': '' } } });
  const resource = await client.call('createResource', { params, body: { name: 'r', tf_code: '# r' } });
  // Two, so that there is one to go back to, and the second with a serial below that of the examples.
  const first = await pushState(client, workspace_id, 1);
  await pushState(client, workspace_id, 2);
  return {
    variable: variable.id,
    configuration: configuration.id,
    resource: resource.resource_id,
    state_version: first.id,
  };
}

function pushState(client: Client, workspace_id: WorkspaceId, serial: number) {
  const raw = makeState(serial);
  const headers = { 'x-content-sha256': sha256Hex(raw) };
  return client.call('pushState', { params: { workspace_id }, query: {}, headers, raw });
}
