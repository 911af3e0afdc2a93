import type { AgentId, PoolId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import type { Executor } from '../../platform/database/index.ts';
import type { CandidateRow } from '../tasks/index.ts';
import { isReachable, statusOf } from './agent.ts';
import { isDraining, labelsOf, livenessOf, permissionsOf } from './present.ts';
import type { AgentRow } from './store.ts';

/** How many attempts an agent runs together unless it says otherwise. */
const DEFAULT_SLOTS = 3;

/**
 * All agents as the dispatcher sees them. Slots are counted from attempt rows, never from heartbeats; an apply that is proved dead
 * waits for a person, perhaps for days, and takes none. An agent that no offer would reach now is offline to the dispatcher,
 * whatever its last heartbeat says.
 */
export async function readCandidates(db: Executor): Promise<CandidateRow[]> {
  const { rows } = await sql<AgentRow & { plans: number; applies: number; now: Date }>`
    SELECT g.*, now() AS now, coalesce(c.plans, 0)::integer AS plans, coalesce(c.applies, 0)::integer AS applies, coalesce(c.plans + c.applies, 0)::integer AS running_attempts
    FROM agents g LEFT JOIN (
      SELECT agent_id, count(*) FILTER (WHERE action = 'plan') AS plans, count(*) FILTER (WHERE action <> 'plan') AS applies
      FROM attempts WHERE state <> 'ended' AND NOT interrupted GROUP BY agent_id
    ) c ON c.agent_id = g.id
    WHERE g.deleted_at IS NULL AND g.pool_id IS NOT NULL AND g.agent_id IS NOT NULL AND g.token_revoked_at IS NULL`.execute(
    db,
  );
  return rows.map(toCandidate);
}

function toCandidate(row: AgentRow & { plans: number; applies: number }): CandidateRow {
  const now = row.now.getTime();
  const live = livenessOf(row);
  return {
    id: row.id as AgentId,
    name: row.name,
    pool_id: row.pool_id as PoolId,
    labels: labelsOf(row),
    capabilities: row.capabilities,
    permissions: permissionsOf(row),
    maxTasks: row.limits.max_concurrent_jobs ?? DEFAULT_SLOTS,
    status: isReachable(live, now) ? statusOf(live, now) : 'offline',
    silentOffers: row.silent_offers,
    draining: isDraining(row),
    plans: row.plans,
    applies: row.applies,
  };
}
