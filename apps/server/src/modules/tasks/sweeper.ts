import type { Logger } from '@groundcrew/kit';
import type { TaskId } from '@groundcrew/protocol';
import { type RawBuilder, sql } from 'kysely';
import { type Database, DatabaseError, type Executor, transaction } from '../../platform/database/index.ts';
import { AppError } from '../../platform/http/index.ts';
import type { Decider } from './decide.ts';
import { type Figures, outageShift } from './lifecycle/index.ts';
import type { RestoreGuard } from './restore-guard.ts';

export interface SweeperDeps {
  db: Database;
  decider: Decider;
  figures: Figures;
  guard: RestoreGuard;
  /** Wakes whoever looks at the task. */
  wakeTask: (taskId: TaskId) => void;
  logger: Logger;
}

const AT_ONCE = 200;
const ALIVE_AT = 'alive_at';

/**
 * The lease keeper: says on the database's clock that the server lives, and applies the deadlines that have passed. When it
 * finds that nobody said so for a while, nobody could renew either: the same transaction moves every deadline before anything expires.
 */
export function createLeaseKeeper({ db, decider, figures, guard, wakeTask, logger }: SweeperDeps) {
  /**
   * Writes `alive_at`; after an outage moves every deadline by the gap and a grace. A database that was restored is found out
   * first: nothing may be decided from it as if it told the present.
   */
  async function keepAlive(): Promise<void> {
    const present = await guard.check();
    await moveOrKeep();
    await guard.tick(present);
  }

  async function moveOrKeep(): Promise<void> {
    await transaction(db, async (tx) => {
      const shift = outageShift(0, await findGap(tx, sql`FOR NO KEY UPDATE`), figures);
      if (shift > 0) {
        logger.warn({ shift_ms: shift }, 'nobody kept the leases for a while; every deadline is moved');
        await shiftDeadlines(tx, shift);
      }
      await sql`INSERT INTO server_facts (key, value) VALUES (${ALIVE_AT}, to_jsonb((extract(epoch FROM clock_timestamp()) * 1000)::bigint))
        ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = now()`.execute(tx);
    });
  }

  /** Steps every task whose deadline has passed; what it means is the life cycle's business. Gives how many there were. */
  async function sweep(): Promise<number> {
    const { rows } = await sql<{
      id: TaskId;
    }>`SELECT id FROM tasks WHERE deadline_at <= now() ORDER BY deadline_at LIMIT ${AT_ONCE}`.execute(db);
    for (const { id } of rows) await tick(id);
    return rows.length;
  }

  /** One task that cannot be stepped holds up no other. */
  async function tick(id: TaskId): Promise<void> {
    try {
      await decider.decide(id, { kind: 'tick' }, { prepare: refuseAfterOutage });
    } catch (error) {
      if (error instanceof DatabaseError) throw error;
      if (error instanceof AppError)
        logger.warn({ task_id: id, code: error.code, reason: error.message }, 'a deadline was not applied');
      else logger.error({ err: error, task_id: id }, 'applying a deadline failed');
    }
  }

  /** This process may have stood still between looking and deciding: then the deadlines have to be moved first. */
  async function refuseAfterOutage(tx: Executor): Promise<undefined> {
    if (outageShift(0, await findGap(tx), figures) > 0)
      throw new AppError('unavailable', 'The server was away; deadlines are moved before any is applied.');
  }

  /** On the database's clock, as text: a date would lose its microseconds, and tell the same twice. */
  let toldUntil: string | undefined;
  /** Nothing happens when a lease runs out, so nothing would tell a viewer; what they read then is derived from the lease. */
  async function tellLostContact(): Promise<void> {
    const { rows } = await sql<{ now: string; tasks: TaskId[] }>`WITH clock AS (SELECT clock_timestamp() AS now)
      SELECT now::text, ARRAY(SELECT task_id FROM attempts WHERE state <> 'ended' AND lease_until < now
        AND lease_until >= ${toldUntil ?? null}::timestamptz) AS tasks FROM clock`.execute(db);
    toldUntil = rows[0]?.now;
    for (const id of rows[0]?.tasks ?? []) wakeTask(id);
  }

  return { keepAlive, sweep, tellLostContact };
}

/** Milliseconds since somebody last said that the server lives; 0 when nobody ever did. */
async function findGap(tx: Executor, lock: RawBuilder<unknown> = sql``): Promise<number> {
  const { rows } = await sql<{
    gap: number;
  }>`SELECT ((extract(epoch FROM clock_timestamp()) * 1000)::bigint - value::text::bigint) AS gap
    FROM server_facts WHERE key = ${ALIVE_AT} ${lock}`.execute(tx);
  return rows[0]?.gap ?? 0;
}

/** In the order in which decisions lock, so that no decision under way writes back what it read before. */
async function shiftDeadlines(tx: Executor, ms: number): Promise<void> {
  const by = sql`make_interval(secs => ${ms / 1000})`;
  await sql`SELECT FROM workspaces WHERE id IN (SELECT workspace_id FROM tasks WHERE deadline_at IS NOT NULL) ORDER BY id FOR NO KEY UPDATE`.execute(
    tx,
  );
  await sql`UPDATE tasks SET deadline_at = deadline_at + ${by}, plan_expires_at = plan_expires_at + ${by} WHERE deadline_at IS NOT NULL`.execute(
    tx,
  );
  await sql`UPDATE attempts SET offer_expires_at = offer_expires_at + ${by}, lease_until = lease_until + ${by}, give_up_at = give_up_at + ${by},
    timeout_at = timeout_at + ${by}, stop_by = stop_by + ${by}, settle_by = settle_by + ${by} WHERE state <> 'ended'`.execute(
    tx,
  );
}
