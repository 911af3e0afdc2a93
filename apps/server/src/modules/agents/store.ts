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
  max_concurrent_tasks: number | null;
  endpoint: string | null;
  version: string | null;
  token_hash: string | null;
  token_expires_at: Date | null;
  token_revoked_at: Date | null;
  previous_token_hash: string | null;
  previous_token_expires_at: Date | null;
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

/** An agent's row with what is counted of it. */
export const ROW = sql`SELECT g.*, now() AS now,
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

/** A heartbeat on its way into the agent's row. */
export interface SaidHeartbeat {
  agentId: AgentId;
  body: Heartbeat;
  /** The socket it came over, if that is the agent's. */
  held: Held | undefined;
  /** How long ago it came, in milliseconds. */
  ageMs: number;
}

export interface SavedHeartbeat {
  id: AgentId;
  /** Whether the agent is to drain, as a whole or because a newer instance has taken its place. */
  draining: boolean;
}

/**
 * Writes heartbeats of different agents in one statement, which touches no indexed column. Over a socket they also say who holds
 * that, in case nobody knows any more. Each forgives one offer that was left unanswered, so that an agent that was stopped for a
 * while and kept its socket is asked again. Agents whose row somebody else holds just now are left out unless `wait` is given, so
 * that one slow transaction delays nobody else's; rows are locked in order, for the same reason.
 */
export async function saveHeartbeats(
  db: Executor,
  heartbeats: readonly SaidHeartbeat[],
  { wait = false } = {},
): Promise<SavedHeartbeat[]> {
  const { rows } = await sql<SavedHeartbeat>`${named(wait ? 'save_heartbeats_waiting' : 'save_heartbeats')}
    WITH said AS MATERIALIZED (
      SELECT h.id, h.body, h.replica, h.instance, now() - make_interval(secs => h.age) AS at
      FROM jsonb_to_recordset(${JSON.stringify(heartbeats.map(toSaid))}::jsonb) AS h(id text, body jsonb, replica text, instance bigint, age double precision)
    ), free AS MATERIALIZED (
      SELECT g.id FROM agents g WHERE g.id IN (SELECT id FROM said) ORDER BY g.id FOR NO KEY UPDATE ${wait ? sql`` : sql`SKIP LOCKED`}
    ) UPDATE agents g SET
      last_heartbeat_at = greatest(g.last_heartbeat_at, s.at), last_message_at = greatest(g.last_message_at, s.at),  reported_status = s.body ->> 'status',
      last_heartbeat = CASE WHEN coalesce(g.instance > s.instance, false) THEN g.last_heartbeat ELSE s.body END,
      version = coalesce(nullif(s.body ->> 'version', ''), g.version), silent_offers = greatest(g.silent_offers - 1, 0),
      connected_since = CASE WHEN s.replica IS NOT NULL AND g.instance <= s.instance AND g.connected_replica IS DISTINCT FROM s.replica THEN now() ELSE g.connected_since END,
      connected_replica = CASE WHEN s.replica IS NOT NULL AND g.instance <= s.instance THEN s.replica ELSE g.connected_replica END
    FROM said s JOIN free USING (id) WHERE g.id = s.id
    RETURNING g.id, g.draining OR coalesce(g.instance > s.instance, false) AS draining`.execute(db);
  return rows;
}

const toSaid = ({ agentId, body, held, ageMs }: SaidHeartbeat) => ({
  id: agentId,
  body,
  replica: held?.replica ?? null,
  instance: held?.instance ?? body.instance ?? null,
  age: ageMs / 1000,
});

export interface DesiredRow {
  attempt_id: AttemptId;
  task_id: TaskId;
  cancel_level: 0 | 1 | 2 | 3;
  ended: boolean;
}

/** What the server wants of the attempts an agent holds: its open ones, and those it says it holds although they have ended. */
export async function listDesired(db: Executor, id: AgentId, held: readonly string[]): Promise<DesiredRow[]> {
  return listDesiredOf(db, [{ id, held }]);
}

/** The same for many agents at once. How many attempts an agent ever had makes no difference. */
export async function listDesiredOf(
  db: Executor,
  agents: readonly { id: AgentId; held: readonly string[] }[],
): Promise<(DesiredRow & { agent_id: AgentId })[]> {
  const ids = agents.map(({ id }) => id);
  const held = agents.flatMap((agent) => agent.held);
  const { rows } = await sql<DesiredRow & { agent_id: AgentId }>`${named('list_desired')}
    SELECT a.agent_id, a.id AS attempt_id, a.task_id, t.cancel_level, a.ended FROM (
      SELECT agent_id, id, task_id, false AS ended FROM attempts WHERE agent_id = ANY(${ids}::text[]) AND state <> 'ended' AND state IN ('running', 'exited')
      UNION ALL
      SELECT agent_id, id, task_id, true FROM attempts WHERE id = ANY(${held}::text[]) AND agent_id = ANY(${ids}::text[]) AND state = 'ended'
    ) a JOIN tasks t ON t.id = a.task_id`.execute(db);
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

/** Agents that have an offer waiting which may not have left the server; there are never many. */
export async function listAgentsWithUnsent(db: Executor): Promise<AgentId[]> {
  const { rows } = await sql<{
    agent_id: AgentId;
  }>`${named('list_agents_with_unsent')} SELECT DISTINCT agent_id FROM attempts
    WHERE state = 'offered' AND sent_at IS NULL AND offer_expires_at > now()`.execute(db);
  return rows.map((row) => row.agent_id);
}

/** Agents that have something to be told: an offer that may not have left the server, or a cancel. */
export async function listAgentsToTell(db: Executor): Promise<AgentId[]> {
  const { rows } = await sql<{
    agent_id: AgentId;
  }>`SELECT agent_id FROM attempts WHERE state = 'offered' AND sent_at IS NULL
    UNION SELECT a.agent_id FROM attempts a JOIN tasks t ON t.id = a.task_id WHERE a.state <> 'ended' AND t.cancel_level > 0`.execute(
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

/** Makes whoever would give the agent something wait, and says how many attempts it has that have not ended. */
export async function lockAndCountOpen(tx: Executor, id: AgentId): Promise<number> {
  await sql`SELECT FROM agents WHERE id = ${id} FOR UPDATE`.execute(tx);
  return (await listOpenTasks(tx, id)).length;
}
