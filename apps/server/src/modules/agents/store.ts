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
import type { Executor, Tables } from '../../platform/database/index.ts';

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

/** The agent that signed on, if neither it nor what it signed on with was revoked meanwhile. Fails closed. */
export async function findSignedOn(
  db: Executor,
  id: AgentId,
): Promise<{ id: AgentId; organizationId: OrganizationId; poolId: PoolId | null; agentName: string } | undefined> {
  const { rows } = await sql<{
    id: AgentId;
    organization_id: OrganizationId;
    pool_id: PoolId | null;
    agent_id: string;
  }>`
    SELECT g.id, g.organization_id, g.pool_id, g.agent_id FROM agents g LEFT JOIN pool_tokens t ON t.id = g.pool_token_id
    WHERE g.id = ${id} AND g.deleted_at IS NULL AND g.agent_id IS NOT NULL AND ${SIGNED_ON}`.execute(db);
  const row = rows[0];
  return row && { id: row.id, organizationId: row.organization_id, poolId: row.pool_id, agentName: row.agent_id };
}

/** An agent's own token counts, or else the pool's token it came with. */
const SIGNED_ON = sql`g.token_revoked_at IS NULL AND CASE WHEN g.pool_token_id IS NULL
  THEN g.token_hash IS NOT NULL AND (g.token_expires_at IS NULL OR g.token_expires_at > now())
  ELSE t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now()) END`;

/** True once the agent was removed, or what it signed on with was revoked. */
export async function isRevoked(db: Executor, id: string): Promise<boolean> {
  const { rows } = await sql`SELECT 1 FROM agents g LEFT JOIN pool_tokens t ON t.id = g.pool_token_id
    WHERE g.id = ${id} AND g.deleted_at IS NULL AND ${SIGNED_ON}`.execute(db);
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

/** A heartbeat touches no indexed column. */
export async function saveHeartbeat(db: Executor, id: AgentId, body: Heartbeat): Promise<void> {
  await sql`UPDATE agents SET last_heartbeat_at = now(), last_message_at = now(), reported_status = ${body.status}, last_heartbeat = ${JSON.stringify(body)},
    version = CASE WHEN ${body.version} = '' THEN version ELSE ${body.version} END WHERE id = ${id}`.execute(db);
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
}

/** Offers to the agent that it has not accepted, oldest first. `unsentOnly` leaves out what went over a socket already. */
export async function listOffers(db: Executor, id: AgentId, unsentOnly: boolean): Promise<OfferRow[]> {
  const { rows } =
    await sql<OfferRow>`SELECT a.id AS attempt_id, a.task_id, a.workspace_id, a.action, a.epoch, a.offer_expires_at, w.tool, w.terraform_version
    FROM attempts a JOIN workspaces w ON w.id = a.workspace_id
    WHERE a.agent_id = ${id} AND a.state = 'offered' AND a.offer_expires_at > now() AND (NOT ${unsentOnly} OR a.sent_at IS NULL)
    ORDER BY a.offered_at`.execute(db);
  return rows;
}

/** Notes the socket; saying hello is a good call, so the agent is not suspect any more. */
export async function setConnected(db: Executor, id: AgentId, replica: string): Promise<void> {
  await sql`UPDATE agents SET connected_replica = ${replica}, connected_since = now(), last_message_at = now(), last_heartbeat_at = now(), silent_offers = 0 WHERE id = ${id}`.execute(
    db,
  );
}

/** Only the replica that holds the socket may say that it is closed. */
export async function setDisconnected(db: Executor, id: AgentId, replica: string): Promise<void> {
  await sql`UPDATE agents SET connected_replica = NULL, connected_since = NULL WHERE id = ${id} AND connected_replica = ${replica}`.execute(
    db,
  );
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
