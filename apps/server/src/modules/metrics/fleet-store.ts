import type { AttemptState, Heartbeat, TaskStatus, TaskType } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { type Database, type Executor, named, withSession } from '../../platform/database/index.ts';
import { hasLeft, type Liveness, statusOf } from '../agents/index.ts';

/** One agent, as everybody sees it. */
export interface AgentFigures {
  name: string;
  poolId: string;
  /** Undefined while it has never sent a heartbeat. */
  heartbeatSeconds: number | undefined;
  activeJobs: number;
  status: ReturnType<typeof statusOf>;
}

/** Open tasks that are alike. */
export interface OpenTasks {
  pool_id: string;
  status: TaskStatus;
  task_type: TaskType;
  /** Set where a task needs a person. */
  reason: string | null;
  /** What a task in the queue waits for. */
  waits_for: 'agents' | 'workspace' | null;
  tasks: number;
  /** How long the first of them has waited; only meant for those in the queue. */
  oldest_seconds: number;
}

interface PoolFigures {
  id: string;
  name: string;
  workspaces: number;
}

/** What the database says of the whole installation, at one moment. */
export interface Fleet {
  agents: readonly AgentFigures[];
  agentsLeftOut: number;
  pools: readonly PoolFigures[];
  openTasks: readonly OpenTasks[];
  attempts: ReadonlyMap<AttemptState, number>;
  contactLost: number;
  quarantined: number;
  /** Since the lease keeper of any replica last wrote; undefined before it first did. */
  keeperSilentSeconds: number | undefined;
  databaseBytes: number;
}

/** More agents than this are left out, those heard of last being kept: a scrape must stay readable. */
const MOST_AGENTS = 10_000;

/**
 * Reads everything in one round trip on one session. Each statement looks at what is open, never at the history.
 *
 * @param suspectFrom unanswered offers that make an agent suspect
 */
export async function readFleet(db: Database, suspectFrom: number): Promise<Fleet> {
  return withSession(db, async (session) => {
    const [agents, pools, openTasks, attempts, facts] = await Promise.all([
      readAgents(session, suspectFrom),
      readPools(session),
      readOpenTasks(session),
      readAttempts(session),
      readFacts(session),
    ]);
    return { ...agents, pools, openTasks, ...attempts, ...facts };
  });
}

interface AgentRow {
  name: string;
  pool_id: string | null;
  last_heartbeat_at: Date | null;
  connected_replica: string | null;
  reported_status: string | null;
  silent_offers: number;
  last_heartbeat: Heartbeat | null;
  instance: number;
  running_attempts: number;
  total: number;
  now: Date;
}

/**
 * Two organisations may each have an agent of the same name outside of any pool; Prometheus would refuse a series that comes
 * twice, so the one that was silent for longer stands for both.
 */
async function readAgents(db: Executor, suspectFrom: number): Promise<Pick<Fleet, 'agents' | 'agentsLeftOut'>> {
  const { rows } = await sql<AgentRow>`${named('metrics_agents')} SELECT * FROM (
      SELECT DISTINCT ON (g.name, g.pool_id) g.name, g.pool_id, g.last_heartbeat_at, g.connected_replica, g.reported_status,
        g.silent_offers, g.last_heartbeat, g.instance, coalesce(r.attempts, 0) AS running_attempts, (count(*) OVER ())::integer AS total, now() AS now
      FROM agents g LEFT JOIN (SELECT agent_id, count(*)::integer AS attempts FROM attempts WHERE state <> 'ended' GROUP BY agent_id) r
        ON r.agent_id = g.id
      WHERE g.deleted_at IS NULL ORDER BY g.name, g.pool_id, g.last_heartbeat_at NULLS FIRST
    ) a ORDER BY a.last_heartbeat_at DESC NULLS LAST LIMIT ${MOST_AGENTS}`.execute(db);
  return {
    agents: rows.map((row) => toAgent(row, suspectFrom)),
    agentsLeftOut: Math.max(0, (rows[0]?.total ?? 0) - MOST_AGENTS),
  };
}

function toAgent(row: AgentRow, suspectFrom: number): AgentFigures {
  const now = row.now.getTime();
  const heard = row.last_heartbeat_at;
  const live: Liveness = {
    lastHeartbeatAt: heard,
    lastMessageAt: null,
    lastPullAt: null,
    connectedReplica: row.connected_replica,
    reportedStatus: row.reported_status,
    silentOffers: row.silent_offers,
    runningAttempts: row.running_attempts,
    left: hasLeft(row),
  };
  return {
    name: row.name,
    poolId: row.pool_id ?? '',
    heartbeatSeconds: heard === null ? undefined : Math.max(0, now - heard.getTime()) / 1000,
    activeJobs: row.running_attempts,
    status: statusOf(live, now, suspectFrom),
  };
}

async function readPools(db: Executor): Promise<PoolFigures[]> {
  const { rows } = await sql<PoolFigures>`${named('metrics_pools')} SELECT p.id, p.name,
      (SELECT count(*)::integer FROM workspaces w WHERE w.agent_pool_id = p.id AND w.deleted_at IS NULL) AS workspaces
    FROM pools p WHERE p.deleted_at IS NULL`.execute(db);
  return rows;
}

/** A task waits since it was created, was approved or came back, whichever was last. */
async function readOpenTasks(db: Executor): Promise<OpenTasks[]> {
  const { rows } =
    await sql<OpenTasks>`${named('metrics_open_tasks')} SELECT pool_id, status, task_type, reason, waits_for,
      count(*)::integer AS tasks, greatest(0, extract(epoch FROM now() - min(since)))::float8 AS oldest_seconds
    FROM (SELECT coalesce(t.pool_id, '') AS pool_id, t.status, t.task_type,
        CASE WHEN t.status = 'needs_attention' THEN t.reason_code END AS reason,
        CASE WHEN t.status <> 'pending' OR t.attempt_id IS NOT NULL THEN NULL
          WHEN t.waiting ->> 'rule' IN ('locked', 'held', 'not_first') THEN 'workspace' ELSE 'agents' END AS waits_for,
        greatest(t.created_at,
          CASE WHEN t.phase = 'apply' THEN to_timestamp((t.approval ->> 'at')::float8 / 1000) END,
          CASE WHEN t.attempt_counter > 0 THEN (SELECT max(a.ended_at) FROM attempts a WHERE a.task_id = t.id) END) AS since
      FROM tasks t WHERE t.status IN ('pending', 'running', 'awaiting_approval', 'needs_attention')) o
    GROUP BY 1, 2, 3, 4, 5`.execute(db);
  return rows;
}

async function readAttempts(db: Executor): Promise<Pick<Fleet, 'attempts' | 'contactLost'>> {
  const { rows } = await sql<{ state: AttemptState; attempts: number; silent: number }>`${named('metrics_attempts')}
    SELECT state, count(*)::integer AS attempts, (count(*) FILTER (WHERE lease_until < now()))::integer AS silent
    FROM attempts WHERE state <> 'ended' GROUP BY state`.execute(db);
  return {
    attempts: new Map(rows.map(({ state, attempts }) => [state, attempts])),
    contactLost: rows.find(({ state }) => state === 'running')?.silent ?? 0,
  };
}

type Facts = Pick<Fleet, 'quarantined' | 'keeperSilentSeconds' | 'databaseBytes'>;

async function readFacts(db: Executor): Promise<Facts> {
  const { rows } = await sql<{
    quarantined: number;
    silent: number | null;
    bytes: number;
  }>`${named('metrics_facts')} SELECT
    (SELECT count(*)::integer FROM state_versions WHERE standing = 'quarantined') AS quarantined,
    (SELECT greatest(0, extract(epoch FROM clock_timestamp()) - value::text::bigint / 1000.0)::float8 FROM server_facts WHERE key = 'alive_at') AS silent,
    pg_database_size(current_database()) AS bytes`.execute(db);
  const [row] = rows;
  return {
    quarantined: row?.quarantined ?? 0,
    keeperSilentSeconds: row?.silent ?? undefined,
    databaseBytes: row?.bytes ?? 0,
  };
}
