import type {
  Action,
  AgentId,
  AttemptId,
  Capabilities,
  Heartbeat,
  OrganizationId,
  PoolId,
  TaskId,
  Tool,
  WorkspaceId,
} from '@groundcrew/protocol';
import { type Insertable, sql, type Updateable } from 'kysely';
import { type Executor, named, type Tables } from '../../platform/database/index.ts';
import { OFFLINE_AFTER_MS } from './agent.ts';

export interface AgentRow {
  id: AgentId;
  organization_id: OrganizationId;
  agent_id: string | null;
  name: string;
  description: string;
  agent_type: 'remote' | 'k8s';
  pool_id: PoolId | null;
  labels: string[];
  reported_labels: string[];
  capabilities: Partial<Capabilities>;
  permissions: Record<string, unknown>;
  limits: { max_concurrent_jobs?: number };
  endpoint: string | null;
  version: string | null;
  token_hash: string | null;
  token_expires_at: Date | null;
  token_revoked_at: Date | null;
  pool_token_id: string | null;
  machine_id: string | null;
  boot_id: string | null;
  folder_id: string | null;
  instance: number;
  reported_status: string | null;
  last_heartbeat_at: Date | null;
  last_heartbeat: Heartbeat | null;
  connected_replica: string | null;
  connected_since: Date | null;
  last_message_at: Date | null;
  last_pull_at: Date | null;
  draining: boolean;
  silent_offers: number;
  total_tasks: number;
  success_tasks: number;
  failed_tasks: number;
  metadata: Record<string, string>;
  created_at: Date;
  updated_at: Date;
  deleted_at: Date | null;
  running_attempts: number;
  now: Date;
}

const ROW = sql`SELECT g.*, now() AS now,
  (SELECT count(*) FROM attempts a WHERE a.agent_id = g.id AND a.state <> 'ended')::integer AS running_attempts FROM agents g`;

/** By the record's id or the agent's own. */
export async function findAgent(
  db: Executor,
  organizationId: OrganizationId,
  idOrAgentId: string,
): Promise<AgentRow | undefined> {
  const { rows } = await sql<AgentRow>`${ROW} WHERE g.organization_id = ${organizationId} AND g.deleted_at IS NULL
    AND (g.id = ${idOrAgentId} OR g.agent_id = ${idOrAgentId}) ORDER BY g.id = ${idOrAgentId} DESC LIMIT 1`.execute(db);
  return rows[0];
}

export async function findByTokenHash(db: Executor, tokenHash: string): Promise<AgentRow | undefined> {
  const { rows } = await sql<AgentRow>`${ROW} WHERE g.token_hash = ${tokenHash} AND g.deleted_at IS NULL
    AND g.token_revoked_at IS NULL AND (g.token_expires_at IS NULL OR g.token_expires_at > now())`.execute(db);
  return rows[0];
}

/** An agent that has signed on, and what it did so with: its own token, by the head of its hash, or a pool's, by its id. */
export interface SignedOn {
  id: AgentId;
  organizationId: OrganizationId;
  poolId: PoolId | null;
  agentName: string;
  via: string;
}

/** How a JWT names an agent's own token. Of a random token's hash this much tells nothing and confuses none. */
export const viaOf = (tokenHash: string): string => tokenHash.slice(0, 16);

const SIGNED_ON = sql`SELECT g.id, g.organization_id AS "organizationId", g.pool_id AS "poolId", g.agent_id AS "agentName"`;
const LIVES = sql`g.deleted_at IS NULL AND g.agent_id IS NOT NULL AND g.token_revoked_at IS NULL`;

/** What a pool's agents register with: the pool's tokens and the machine clients that name it. */
const REGISTRATION = sql`(SELECT id, pool_id, expires_at, revoked_at FROM pool_tokens
  UNION ALL SELECT id, pool_id, expires_at, revoked_at FROM machine_clients)`;

/** The agent, if neither it nor what it signed on with was revoked, replaced or ran out meanwhile. Fails closed. */
export async function findSignedOn(db: Executor, id: AgentId, via: string): Promise<SignedOn | undefined> {
  const { rows } = await sql<Omit<SignedOn, 'via'>>`${named('find_signed_on')} ${SIGNED_ON}
    FROM agents g LEFT JOIN ${REGISTRATION} t ON t.id = g.pool_token_id
    WHERE g.id = ${id} AND ${LIVES} AND CASE WHEN g.pool_token_id IS NULL
      THEN left(g.token_hash, 16) = ${via} AND (g.token_expires_at IS NULL OR g.token_expires_at > now())
      ELSE t.id = ${via} AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now()) END`.execute(db);
  return rows[0] && { ...rows[0], via };
}

/** The same for an agent that brings its own token with every call. */
export async function findSignedOnByToken(db: Executor, tokenHash: string): Promise<SignedOn | undefined> {
  const { rows } = await sql<Omit<SignedOn, 'via'>>`${SIGNED_ON} FROM agents g
    WHERE g.token_hash = ${tokenHash} AND ${LIVES} AND (g.token_expires_at IS NULL OR g.token_expires_at > now())`.execute(
    db,
  );
  return rows[0] && { ...rows[0], via: viaOf(tokenHash) };
}

/** True once the agent was removed, or it or what it signed on with was revoked. A token that ran out takes nothing back. */
export async function isRevoked(db: Executor, id: string): Promise<boolean> {
  const { rows } = await sql`SELECT 1 FROM agents g LEFT JOIN ${REGISTRATION} t ON t.id = g.pool_token_id
    WHERE g.id = ${id} AND g.deleted_at IS NULL AND g.token_revoked_at IS NULL AND t.revoked_at IS NULL`.execute(db);
  return rows.length === 0;
}

export async function listAgents(
  db: Executor,
  organizationId: OrganizationId,
  poolId: PoolId | undefined,
  after: string | undefined,
  limit: number,
): Promise<AgentRow[]> {
  const { rows } = await sql<AgentRow>`${ROW} WHERE g.organization_id = ${organizationId} AND g.deleted_at IS NULL
    AND (${poolId ?? null}::text IS NULL OR g.pool_id = ${poolId ?? null}) AND (${after ?? null}::text IS NULL OR g.name > ${after ?? null})
    ORDER BY g.name LIMIT ${limit}`.execute(db);
  return rows;
}

export async function insertAgent(db: Executor, values: Insertable<Tables['agents']>): Promise<void> {
  await db.insertInto('agents').values(values).execute();
}

export async function updateAgent(db: Executor, id: AgentId, changes: Updateable<Tables['agents']>): Promise<void> {
  await db
    .updateTable('agents')
    .set({ ...changes, updated_at: sql`now()` })
    .where('id', '=', id)
    .execute();
}

/** A socket on a replica of ours. */
export interface Held {
  replica: string;
  instance: number;
}

/**
 * A heartbeat touches no indexed column. Over a socket it also says who holds that, in case nobody knows any more. Gives what the
 * answer needs: whether the agent is to drain, as whole or because a newer instance has taken its place.
 */
export async function saveHeartbeat(
  db: Executor,
  id: AgentId,
  body: Heartbeat,
  held: Held | undefined,
): Promise<{ draining: boolean }> {
  const said = held?.instance ?? body.instance;
  const isOlder = sql`(${said !== undefined} AND instance > ${said ?? 0})`;
  const holds = sql`${held !== undefined} AND instance <= ${said ?? 0}`;
  const { rows } = await sql<{ draining: boolean }>`UPDATE agents SET
      last_heartbeat_at = now(), last_message_at = now(), reported_status = ${body.status},
      last_heartbeat = CASE WHEN ${isOlder} THEN last_heartbeat ELSE ${JSON.stringify(body)}::jsonb END,
      version = CASE WHEN ${body.version} = '' THEN version ELSE ${body.version} END,
      connected_since = CASE WHEN ${holds} AND connected_replica IS DISTINCT FROM ${held?.replica ?? null} THEN now() ELSE connected_since END,
      connected_replica = CASE WHEN ${holds} THEN ${held?.replica ?? null} ELSE connected_replica END
    WHERE id = ${id} RETURNING draining OR ${isOlder} AS draining`.execute(db);
  return rows[0] ?? { draining: false };
}

export interface DesiredRow {
  attempt_id: AttemptId;
  task_id: TaskId;
  cancel_level: 0 | 1 | 2 | 3;
  ended: boolean;
}

/** What the server wants of the attempts an agent holds: its open ones, and those it says it holds although they have ended. */
export async function listDesired(db: Executor, id: AgentId, held: readonly string[]): Promise<DesiredRow[]> {
  const { rows } =
    await sql<DesiredRow>`SELECT a.id AS attempt_id, a.task_id, t.cancel_level, a.state = 'ended' AS ended
    FROM attempts a JOIN tasks t ON t.id = a.task_id
    WHERE a.agent_id = ${id} AND (a.state IN ('running', 'exited') OR (a.state = 'ended' AND a.id = ANY(${held as string[]})))`.execute(
      db,
    );
  return rows;
}

export interface OfferRow {
  attempt_id: AttemptId;
  task_id: TaskId;
  workspace_id: WorkspaceId;
  action: Action;
  epoch: number;
  offer_expires_at: Date;
  tool: Tool;
  terraform_version: string | null;
  /** The instance of the agent that may take it. */
  instance: number;
}

/** Offers to the agent that it has not accepted, oldest first. `unsentOnly` leaves out what went over a socket long ago. */
export async function listOffers(db: Executor, id: AgentId, unsentOnly: boolean): Promise<OfferRow[]> {
  const { rows } = await sql<OfferRow>`${named('list_offers')}
    SELECT a.id AS attempt_id, a.task_id, a.workspace_id, a.action, a.epoch, a.offer_expires_at, w.tool, w.terraform_version, g.instance
    FROM attempts a JOIN workspaces w ON w.id = a.workspace_id JOIN agents g ON g.id = a.agent_id
    WHERE a.agent_id = ${id} AND a.state = 'offered' AND a.offer_expires_at > now() AND (NOT ${unsentOnly}::boolean OR a.sent_at IS NULL)
    ORDER BY a.offered_at`.execute(db);
  return rows;
}

/** Of these agents the ones that have an offer waiting which may not have left the server. */
export async function listAgentsWithUnsent(db: Executor, ids: readonly AgentId[]): Promise<AgentId[]> {
  const { rows } = await sql<{ agent_id: AgentId }>`SELECT DISTINCT agent_id FROM attempts
    WHERE agent_id = ANY(${ids as AgentId[]}) AND state = 'offered' AND sent_at IS NULL AND offer_expires_at > now()`.execute(
    db,
  );
  return rows.map((row) => row.agent_id);
}

/**
 * Notes who holds the agent's socket; saying hello is a good call, so the agent is not suspect any more. Gives whether it
 * is to drain; undefined when a newer instance of it holds one already.
 */
export async function claimSocket(
  db: Executor,
  id: AgentId,
  { replica, instance }: Held,
): Promise<{ draining: boolean } | undefined> {
  const { rows } = await sql<{
    draining: boolean;
  }>`UPDATE agents SET instance = ${instance}, connected_replica = ${replica}, connected_since = now(),
      last_message_at = now(), last_heartbeat_at = now(), silent_offers = 0
    WHERE id = ${id} AND (instance <= ${instance} OR connected_replica IS NULL OR last_message_at < now() - make_interval(secs => ${SILENCE_SECONDS}))
    RETURNING draining`.execute(db);
  return rows[0];
}

const SILENCE_SECONDS = OFFLINE_AFTER_MS.socket / 1000;

/** Only the replica that holds the socket may say that it is closed. */
export async function releaseSocket(db: Executor, id: AgentId, replica: string): Promise<void> {
  await sql`UPDATE agents SET connected_replica = NULL, connected_since = NULL WHERE id = ${id} AND connected_replica = ${replica}`.execute(
    db,
  );
}

/** Agents that signed on with a pool's token. */
export async function listAgentsOfToken(db: Executor, tokenId: string): Promise<AgentId[]> {
  const { rows } = await sql<{
    id: AgentId;
  }>`SELECT id FROM agents WHERE pool_token_id = ${tokenId} AND deleted_at IS NULL`.execute(db);
  return rows.map(({ id }) => id);
}

/** The pool whose token, or whose machine client, the agent signed on with. */
export async function findTokenPool(db: Executor, tokenId: string): Promise<string | undefined> {
  const { rows } = await sql<{ pool_id: string }>`SELECT pool_id FROM ${REGISTRATION} t WHERE id = ${tokenId}`.execute(
    db,
  );
  return rows[0]?.pool_id ?? undefined;
}

/** Whether another agent of the organisation has the name, however it is spelled. */
export async function isNameTaken(db: Executor, organizationId: OrganizationId, name: string): Promise<boolean> {
  const { rows } =
    await sql`SELECT 1 FROM agents WHERE organization_id = ${organizationId} AND lower(name) = lower(${name})
    AND deleted_at IS NULL`.execute(db);
  return rows.length > 0;
}

/** Signing on is a sign of life and a good call. That an earlier start was draining says nothing about this one. */
export async function noteHeard(db: Executor, id: AgentId, isNewStart: boolean): Promise<void> {
  await sql`UPDATE agents SET last_heartbeat_at = now(), silent_offers = 0,
      last_heartbeat = CASE WHEN ${isNewStart} THEN last_heartbeat - 'draining' ELSE last_heartbeat END
    WHERE id = ${id}`.execute(db);
}

export async function notePull(db: Executor, id: AgentId): Promise<void> {
  await sql`UPDATE agents SET last_pull_at = now(), silent_offers = 0 WHERE id = ${id}`.execute(db);
}

/** Attempts of the agent that have no permit yet and are returned to the queue when it is revoked. */
export async function listOpenTasks(db: Executor, id: AgentId): Promise<{ task_id: TaskId; attempt_id: AttemptId }[]> {
  const { rows } = await sql<{
    task_id: TaskId;
    attempt_id: AttemptId;
  }>`SELECT task_id, id AS attempt_id FROM attempts WHERE agent_id = ${id} AND state <> 'ended'`.execute(db);
  return rows;
}

/** Agents that have an attempt of the task under way. */
export async function listAgentsOfTask(db: Executor, taskId: TaskId): Promise<AgentId[]> {
  const { rows } = await sql<{
    agent_id: AgentId;
  }>`SELECT agent_id FROM attempts WHERE task_id = ${taskId} AND state IN ('offered', 'running')`.execute(db);
  return rows.map((row) => row.agent_id);
}
