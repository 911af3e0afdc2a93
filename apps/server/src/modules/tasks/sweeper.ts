import type { Logger } from '@groundcrew/kit';
import type { OrganizationId, TaskId, WorkspaceId } from '@groundcrew/protocol';
import { type RawBuilder, sql } from 'kysely';
import { type Database, DatabaseError, type Executor, transaction } from '../../platform/database/index.ts';
import { AppError } from '../../platform/http/index.ts';
import type { Emit } from '../events/index.ts';
import type { Decider } from './decide.ts';
import { insertTaskEvent } from './history-store.ts';
import { type Figures, outageShift } from './lifecycle/index.ts';
import type { RestoreGuard } from './restore-guard.ts';

export interface SweeperDeps {
  db: Database;
  decider: Decider;
  figures: Figures;
  guard: RestoreGuard;
  /** Makes it visible to consoles. */
  emit: Emit;
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
export function createLeaseKeeper({ db, decider, figures, guard, emit, wakeTask, logger }: SweeperDeps) {
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

  /** Nothing happens when a lease runs out, so nothing would tell anybody; what they read then is derived from the lease. */
  async function tellLostContact(): Promise<void> {
    const lost = await transaction(db, async (tx) => {
      const silent = await markSilent(tx);
      await Promise.all(silent.map((task) => tellSilence(tx, task)));
      return silent;
    });
    for (const { id } of lost) wakeTask(id);
  }

  async function tellSilence(tx: Executor, { id, organizationId, workspaceId, message }: SilentTask): Promise<void> {
    const event = { organizationId, noun: 'task', id, kind: 'contact_lost', workspaceId, data: { message } } as const;
    await Promise.all([insertTaskEvent(tx, organizationId, id, 'contact_lost', message), emit(tx, event)]);
  }

  return { keepAlive, sweep, tellLostContact };
}

interface SilentTask {
  readonly id: TaskId;
  readonly organizationId: OrganizationId;
  readonly workspaceId: WorkspaceId;
  readonly message: string;
}

/** Attempts whose lease has run out since this was last asked by any replica. One under decision is left for the next time. */
async function markSilent(tx: Executor): Promise<SilentTask[]> {
  const { rows } = await sql<SilentTask>`WITH silent AS (SELECT id FROM attempts
      WHERE state <> 'ended' AND lease_until < clock_timestamp() AND contact_lost_told_for IS DISTINCT FROM lease_until
      FOR NO KEY UPDATE SKIP LOCKED)
    UPDATE attempts a SET contact_lost_told_for = a.lease_until FROM silent WHERE a.id = silent.id
    RETURNING a.task_id AS id, a.organization_id AS "organizationId", a.workspace_id AS "workspaceId",
      'Attempt ' || a.number || ' is silent: its lease has run out.'
        || CASE WHEN a.permit = 'used' THEN ' Terraform may still be changing things.' ELSE '' END AS message`.execute(
    tx,
  );
  return rows;
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
