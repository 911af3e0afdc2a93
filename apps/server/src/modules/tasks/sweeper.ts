import type { Logger } from '@groundcrew/kit';
import type { TaskId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import type { Database } from '../../platform/database/index.ts';
import { AppError } from '../../platform/http/index.ts';
import type { Decider } from './decide.ts';
import { type Figures, outageShift } from './lifecycle/index.ts';

export interface SweeperDeps {
  db: Database;
  decider: Decider;
  figures: Figures;
  logger: Logger;
}

const AT_ONCE = 200;

/**
 * The lease keeper: says on the database's clock that the server lives, and applies the deadlines that have passed. When it
 * finds that nobody said so for a while, nobody could renew either: the same transaction moves every deadline before anything expires.
 */
export function createLeaseKeeper({ db, decider, figures, logger }: SweeperDeps) {
  /** Writes `alive_at`; after an outage moves every deadline by the gap and a grace. */
  async function keepAlive(): Promise<void> {
    await db.transaction().execute(async (tx) => {
      const { rows } = await sql<{ gap: number | null }>`
        WITH before AS (SELECT value FROM server_facts WHERE key = 'alive_at' FOR UPDATE)
        INSERT INTO server_facts (key, value) VALUES ('alive_at', to_jsonb((extract(epoch FROM clock_timestamp()) * 1000)::bigint))
        ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = now()
        RETURNING (value::text::bigint - (SELECT (value::text)::bigint FROM before)) AS gap`.execute(tx);
      const shift = outageShift(0, rows[0]?.gap ?? 0, figures);
      if (shift === 0) return;
      logger.warn({ shift_ms: shift }, 'nobody kept the leases for a while; every deadline is moved');
      await shiftDeadlines(tx, shift);
    });
  }

  async function shiftDeadlines(
    tx: Parameters<Parameters<ReturnType<Database['transaction']>['execute']>[0]>[0],
    ms: number,
  ): Promise<void> {
    const by = sql`make_interval(secs => ${ms / 1000})`;
    await sql`UPDATE attempts SET offer_expires_at = offer_expires_at + ${by}, lease_until = lease_until + ${by}, give_up_at = give_up_at + ${by},
      timeout_at = timeout_at + ${by}, stop_by = stop_by + ${by}, settle_by = settle_by + ${by} WHERE state <> 'ended'`.execute(
      tx,
    );
    await sql`UPDATE tasks SET deadline_at = deadline_at + ${by}, plan_expires_at = plan_expires_at + ${by} WHERE deadline_at IS NOT NULL`.execute(
      tx,
    );
  }

  /** Steps every task whose deadline has passed; what it means is the life cycle's business. */
  async function sweep(): Promise<number> {
    const { rows } = await sql<{
      id: TaskId;
    }>`SELECT id FROM tasks WHERE deadline_at <= now() ORDER BY deadline_at LIMIT ${AT_ONCE}`.execute(db);
    for (const { id } of rows) await tick(id);
    return rows.length;
  }

  async function tick(id: TaskId): Promise<void> {
    try {
      await decider.decide(id, { kind: 'tick' });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      logger.warn({ task_id: id, code: error.code }, 'a deadline could not be applied');
    }
  }

  return { keepAlive, sweep };
}
export type LeaseKeeper = ReturnType<typeof createLeaseKeeper>;
