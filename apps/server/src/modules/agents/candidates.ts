import type { AgentId, PoolId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { type Executor, named } from '../../platform/database/index.ts';
import type { Candidate, CandidateReader } from '../tasks/index.ts';
import { isReachable, type Liveness, statusOf } from './agent.ts';
import { effectiveLimit, hasLeft, labelsOf, permissionsOf } from './present.ts';
import type { AgentRow } from './store.ts';

/** What of an agent's row its candidacy rests on. */
type Row = Pick<
  AgentRow,
  | 'id'
  | 'name'
  | 'labels'
  | 'reported_labels'
  | 'capabilities'
  | 'permissions'
  | 'limits'
  | 'max_concurrent_tasks'
  | 'draining'
  | 'last_heartbeat_at'
  | 'last_message_at'
  | 'last_pull_at'
  | 'connected_replica'
  | 'reported_status'
  | 'silent_offers'
  | 'last_heartbeat'
  | 'instance'
> & {
  pool_id: PoolId;
  plan_task_limit: number | null;
  plan_task_limit_reason: string | null;
  /** False once it was removed or revoked, is in no pool or has never signed on. */
  counts: boolean;
  horizon: string;
};

/**
 * All agents as the dispatcher sees them. Only rows that have changed are read again (see `dispatch/snapshot-store`): between
 * two passes that is those which sent a heartbeat. Rows of agents are never deleted, so what is gone is told by its row.
 */
export function createCandidateReader(): CandidateReader {
  const agents = new Map<AgentId, { live: Liveness; candidate: Candidate }>();
  let horizon: string | null = null;

  async function read(db: Executor): Promise<(now: number) => Candidate[]> {
    const rows = await readChanged(db, horizon);
    for (const row of rows) {
      if (row.counts) agents.set(row.id, { live: toLiveness(row), candidate: toCandidate(row) });
      else agents.delete(row.id);
    }
    horizon = rows[0]?.horizon ?? horizon;
    return (now) => [...agents.values()].map(({ live, candidate }) => ({ ...candidate, status: statusFor(live, now) }));
  }

  return {
    read,
    reset() {
      agents.clear();
      horizon = null;
    },
  };
}

async function readChanged(db: Executor, horizon: string | null): Promise<Row[]> {
  const { rows } = await sql<Row>`${named('read_changed_agents')}
    SELECT g.id, g.name, g.pool_id, g.labels, g.reported_labels, g.capabilities, g.permissions, g.limits, g.max_concurrent_tasks,
      g.draining OR coalesce((g.last_heartbeat ->> 'draining')::boolean, false) AS draining, g.last_heartbeat_at, g.last_message_at,
      g.last_pull_at, g.connected_replica, g.reported_status, g.silent_offers,
      (g.last_heartbeat ->> 'plan_task_limit')::integer AS plan_task_limit, g.last_heartbeat ->> 'plan_task_limit_reason' AS plan_task_limit_reason, g.last_heartbeat, g.instance,
      g.deleted_at IS NULL AND g.pool_id IS NOT NULL AND g.agent_id IS NOT NULL AND g.token_revoked_at IS NULL AS counts,
      (pg_snapshot_xmin(pg_current_snapshot())::xid)::text AS horizon
    FROM agents g WHERE ${horizon}::xid IS NULL OR age(g.xmin) <= age(${horizon}::xid)`.execute(db);
  return rows;
}

const toLiveness = (row: Row): Liveness => ({
  lastHeartbeatAt: row.last_heartbeat_at,
  lastMessageAt: row.last_message_at,
  lastPullAt: row.last_pull_at,
  connectedReplica: row.connected_replica,
  reportedStatus: row.reported_status,
  silentOffers: row.silent_offers,
  runningAttempts: 0,
  left: hasLeft(row),
});

const toCandidate = (row: Row): Candidate => ({
  id: row.id,
  name: row.name,
  poolId: row.pool_id,
  labels: labelsOf(row),
  capabilities: row.capabilities,
  permissions: permissionsOf(row),
  maxTasks: effectiveLimit(row),
  planLimit: row.plan_task_limit,
  planLimitReason: row.plan_task_limit_reason,
  status: 'offline',
  silentOffers: row.silent_offers,
  draining: row.draining,
});

/**
 * An agent that no offer would reach now is offline to the dispatcher, whatever its last heartbeat says. Whether it is suspect the
 * dispatcher judges itself, and tells from an error that the agent reports.
 */
const statusFor = (live: Liveness, now: number): Candidate['status'] =>
  isReachable(live, now) ? statusOf(live, now, Number.POSITIVE_INFINITY) : 'offline';
