import { sql } from 'kysely';
import type { Counter } from 'prom-client';
import { type Executor, named } from '../../platform/database/index.ts';
import { OFFLINE_AFTER_MS } from '../agents/index.ts';

/**
 * Counts agents that fall silent, once per silence: those whose time ran out since the last look. To be run by one replica
 * alone; what happens while another one takes over is not counted. An agent that said it leaves is not missed.
 */
export function createHeartbeatWatch(db: Executor, timeouts: Counter<'pool_id'>): () => Promise<void> {
  /** On the database's clock, as text: a date would lose its microseconds, and count the same twice. */
  let countedUntil: string | undefined;
  return async () => {
    const { rows } = await sql<{
      until: string;
      pool_id: string | null;
      agents: number;
    }>`${named('metrics_silent_agents')}
      WITH clock AS (SELECT clock_timestamp() - make_interval(secs => ${OFFLINE_AFTER_MS.http / 1000}) AS until)
      SELECT c.until::text, g.pool_id, (count(*) FILTER (WHERE g.last_heartbeat_at < c.until
        AND g.last_heartbeat_at >= ${countedUntil ?? null}::timestamptz
        AND NOT coalesce((g.last_heartbeat ->> 'draining')::boolean, false)))::integer AS agents
      FROM clock c LEFT JOIN agents g ON g.deleted_at IS NULL GROUP BY 1, 2`.execute(db);
    countedUntil = rows[0]?.until;
    // Zeros as well, so that the first silence of a pool is an increase.
    for (const { pool_id, agents } of rows) timeouts.inc({ pool_id: pool_id ?? '' }, agents);
  };
}
