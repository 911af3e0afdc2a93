import { newId, newSecret, sha256Hex } from '@groundcrew/kit';
import type { OrganizationId, OrganizationRole, Permission, Role } from '@groundcrew/protocol';
import {
  acceptOffer,
  type LiveServer,
  logChunk,
  makeCrew,
  makeState,
  makeTask,
  makeWorkspace,
  stateHeaders,
  storePlan,
  type TestAttempt,
} from '../modules/tasks/live-server-for-tests.ts';

/** One workspace with something of everything in it. */
export interface Place {
  workspaceId: string;
  workspaceName: string;
  variableId: string;
  resourceId: string;
  configurationId: string;
  stateVersionId: string;
  /** Has a plan and a log; its attempt runs. */
  taskId: string;
  grantId: string;
  attempt: TestAttempt;
}

/** An organisation in which calls can find everything they name. */
export interface Organisation {
  id: OrganizationId;
  /** An owner's API token. */
  owner: string;
  crew: Awaited<ReturnType<typeof makeCrew>>;
  /** An agent's own token. */
  agentToken: string;
  agentId: string;
  /** Where the grants of the test are. */
  granted: Place;
  other: Place;
}

/** Fills an organisation by the API, as its owner. */
export async function makeOrganisation(live: LiveServer, id: OrganizationId, owner: string): Promise<Organisation> {
  const asOwner = { ...live, owner };
  const crew = await makeCrew(asOwner);
  const agent = await live.must('createAgent', owner, { body: { name: newId('own'), pool_id: crew.pool.id } });
  const granted = await makePlace(asOwner, crew);
  const other = await makePlace(asOwner, crew);
  return { id, owner, crew, agentToken: agent.token, agentId: agent.id, granted, other };
}

async function makePlace(live: LiveServer, crew: Organisation['crew']): Promise<Place> {
  const { must, owner } = live;
  const { workspace_id: workspaceId, name: workspaceName } = await makeWorkspace(live, crew.pool.id);
  const params = { workspace_id: workspaceId };
  const variable = await must('createVariable', owner, { params, body: { key: 'kept', value: '1' } });
  const resource = await must('createResource', owner, { params, body: { name: 'kept', tf_code: 'locals {}' } });
  const files = { 'main.tf': 'locals {}' };
  const configuration = await must('createConfiguration', owner, { params, body: { files } });
  const bytes = makeState(1);
  const state = await must('pushState', owner, { params, body: bytes, headers: stateHeaders(bytes) });
  const user = await must('createUser', owner, { body: { name: newId('grantee'), role: 'member' } });
  const grant = await must('createGrant', owner, { body: { ...params, user_id: user.id, role: 'viewer' } });
  const task = await makeTask(live, workspaceId);
  const [agent] = crew.agents;
  if (agent === undefined) throw new Error('The crew has no agent.');
  const attempt = await acceptOffer(live, agent, task.id);
  await attempt.must('appendLog', { body: logChunk('plan', 0, 'x') });
  await storePlan(attempt);
  return {
    workspaceId,
    workspaceName,
    variableId: variable.id,
    resourceId: resource.resource_id,
    configurationId: configuration.id,
    stateVersionId: state.id,
    taskId: task.id,
    grantId: grant.id,
    attempt,
  };
}

/** A second organisation with an owner. */
export async function addTenant({ db }: LiveServer): Promise<{ id: OrganizationId; owner: string; ownerId: string }> {
  const id = newId('org') as OrganizationId;
  await db.insertInto('organizations').values({ id, name: id }).execute();
  const ownerId = await insertUser(db, id, 'owner');
  return { id, ownerId, owner: await insertToken(db, id, ownerId) };
}

type Db = LiveServer['db'];

export async function insertUser(db: Db, organizationId: OrganizationId, role: OrganizationRole): Promise<string> {
  const id = newId('user');
  await db.insertInto('users').values({ id, organization_id: organizationId, name: id, role }).execute();
  return id;
}

export async function insertToken(
  db: Db,
  organizationId: OrganizationId,
  userId: string,
  given: { scopes?: Permission[]; workspaceIds?: string[]; expiresAt?: Date; revokedAt?: Date; id?: string } = {},
): Promise<string> {
  const text = `gct_${newSecret()}`;
  const row = {
    id: given.id ?? newId('tok'),
    organization_id: organizationId,
    user_id: userId,
    name: 'test',
    kind: 'api',
    token_hash: sha256Hex(text),
    expires_at: given.expiresAt ?? null,
    revoked_at: given.revokedAt ?? null,
    scopes: given.scopes === undefined ? null : JSON.stringify(given.scopes),
    workspace_ids: given.workspaceIds === undefined ? null : JSON.stringify(given.workspaceIds),
  };
  await db.insertInto('api_tokens').values(row).execute();
  return text;
}

export async function insertGrant(
  db: Db,
  organizationId: OrganizationId,
  grant: { userId: string; workspaceId: string; role: Role },
): Promise<string> {
  const id = newId('grant');
  const row = { id, organization_id: organizationId, user_id: grant.userId, workspace_id: grant.workspaceId };
  await db
    .insertInto('grants')
    .values({ ...row, role: grant.role, created_by: 'test' })
    .execute();
  return id;
}

export async function insertSession(
  db: Db,
  organizationId: OrganizationId,
  userId: string,
  id: string = newId('sess'),
): Promise<string> {
  const secret = `gcw_${newSecret()}`;
  await db
    .insertInto('sessions')
    .values({
      id,
      organization_id: organizationId,
      user_id: userId,
      secret_hash: sha256Hex(secret),
      address: '127.0.0.1',
      expires_at: new Date(Date.now() + 3_600_000),
    })
    .execute();
  return secret;
}
