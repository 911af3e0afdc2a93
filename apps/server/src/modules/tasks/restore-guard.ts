import { type Logger, newId } from '@groundcrew/kit';
import type { OrganizationId, TaskId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import {
  type Database,
  type DatabaseIdentity,
  type Executor,
  readIdentity,
  transaction,
} from '../../platform/database/index.ts';
import { AppError } from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import type { Decider } from './decide.ts';
import { findRestore, isPromoted, type KnownDatabase, type Watermark } from './find-restore.ts';

/** Where the last watermark is kept outside the database. */
export interface WatermarkKeeper {
  read(): Watermark | undefined;
  /** Resolves once it is durable; an older one than was read or written before is left out. */
  write(mark: Watermark): Promise<void>;
  /** Whether the operator has said that everything was restored, the home included. */
  isRestoreSaid(): boolean;
  forgetRestore(): Promise<void>;
}

export interface RestoreGuardDeps {
  db: Database;
  decider: Decider;
  watermark: WatermarkKeeper;
  /** The operator's word that only synchronous standbys are promoted. */
  losslessFailover: boolean;
  recordChange: RecordChange;
  logger: Logger;
}

const DATABASE = 'database';
/** Open tasks of one round. */
const AT_ONCE = 200;

/**
 * Notices that the database was restored, before anything else is decided from it: what it says may be older than what is true,
 * and an apply of which it knows nothing may be under way.
 */
export function createRestoreGuard(deps: RestoreGuardDeps) {
  const { db, decider, watermark, losslessFailover, recordChange, logger } = deps;

  /**
   * Looks whether this is the database it was, and deals with it when it is not. The new watermark is written last: whoever is
   * killed in between begins again, and a task that was stepped already stays as it is. Gives what it looked at, for `tick`.
   */
  async function check(): Promise<DatabaseIdentity> {
    const seen = watermark.read();
    const said = watermark.isRestoreSaid();
    const [known, present] = [await findKnown(db), await readIdentity(db)];
    const why = said ? 'the operator says so' : findRestore(known, seen, present, losslessFailover);
    if (why === undefined) {
      if (isPromoted(known, present)) logger.warn(present, 'a standby was promoted that had everything; tasks go on');
      return present;
    }
    logger.error({ why }, 'the database was restored; every task that may apply and has not ended waits for a person');
    const tasks = await stepAll();
    await recordRestore(why, tasks);
    await raise(db, present, Math.max(known?.count ?? 0, seen?.count ?? 0) + 1);
    await watermark.forgetRestore();
    return present;
  }

  async function stepAll(): Promise<number> {
    let [count, after] = [0, 0];
    for (;;) {
      const tasks = await listOpenApplies(db, after);
      for (const { id } of tasks) await step(id);
      const last = tasks.at(-1);
      if (last === undefined) return count;
      count += tasks.length;
      after = last.seq;
    }
  }

  /** One task that cannot be stepped holds up no other; a database that fails ends the start. */
  async function step(id: TaskId): Promise<void> {
    try {
      await decider.decide(id, { kind: 'restored' });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      logger.error({ task_id: id, code: error.code, reason: error.message }, 'a task was not stepped after a restore');
    }
  }

  async function recordRestore(why: string, tasks: number): Promise<void> {
    const organizations = await db.selectFrom('organizations').select('id').execute();
    for (const { id } of organizations)
      await transaction(db, (tx) =>
        recordChange(tx, {
          caller: { kind: 'system', organizationId: id as OrganizationId, name: 'restore guard' },
          action: 'database_restored',
          noun: 'organization',
          subjectId: id,
          after: { why, tasks },
        }),
      );
  }

  /**
   * Counts up in the database, and keeps the number outside of it once that is committed.
   * @param present what was checked: a database that changes in between is then found out by the next check
   */
  async function tick(present: DatabaseIdentity): Promise<void> {
    await watermark.write(await raise(db, present, 0));
  }

  return { check, tick };
}
export type RestoreGuard = ReturnType<typeof createRestoreGuard>;

async function findKnown(db: Executor): Promise<KnownDatabase | undefined> {
  const row = await db.selectFrom('server_facts').select('value').where('key', '=', DATABASE).executeTakeFirst();
  return row?.value as KnownDatabase | undefined;
}

/** Tasks that may apply and have not ended, oldest first, after `seq`. */
async function listOpenApplies(db: Executor, seq: number): Promise<{ id: TaskId; seq: number }[]> {
  const { rows } = await sql<{ id: TaskId; seq: number }>`SELECT id, seq FROM tasks
    WHERE status IN ('pending', 'running', 'awaiting_approval', 'needs_attention') AND task_type = 'plan_and_apply' AND seq > ${seq}
    ORDER BY seq LIMIT ${AT_ONCE}`.execute(db);
  return rows;
}

/** One more than it was, and at least `least`; of any number of servers each gets a number of its own. */
async function raise(db: Executor, present: DatabaseIdentity, least: number): Promise<Watermark> {
  const first: KnownDatabase = { installation: newId('inst'), count: Math.max(1, least), ...present };
  const changed = JSON.stringify(present);
  const { rows } = await sql<{
    value: KnownDatabase;
  }>`INSERT INTO server_facts (key, value) VALUES (${DATABASE}, ${JSON.stringify(first)}::jsonb)
    ON CONFLICT (key) DO UPDATE SET updated_at = now(), value = server_facts.value || ${changed}::jsonb
      || jsonb_build_object('count', greatest((server_facts.value ->> 'count')::bigint + 1, ${least}::bigint))
    RETURNING value`.execute(db);
  const row = rows[0];
  if (row === undefined) throw new Error('The watermark of the database was not written.');
  return { installation: row.value.installation, count: row.value.count };
}
