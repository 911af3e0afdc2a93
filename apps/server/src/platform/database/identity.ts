import { sql } from 'kysely';
import type { Executor } from './database.ts';
import { DatabaseError } from './database-error.ts';

/** Which database this is, in PostgreSQL's own words. Null where the role may not read it. */
export interface DatabaseIdentity {
  /** Given by initdb; another one means another cluster. */
  systemIdentifier: string | null;
  /** Counted up by every promotion and every recovery to a point in time. */
  timeline: number | null;
  /** Whether a commit is answered only once a standby has it on its disk, as PostgreSQL is configured now. */
  synchronous: boolean;
}

const INSUFFICIENT_PRIVILEGE = '42501';

/**
 * The timeline is taken from the write-ahead log's position: the control file learns of a new one only with the next checkpoint.
 * Not for use inside a transaction, which a refusal would break.
 */
export async function readIdentity(db: Executor): Promise<DatabaseIdentity> {
  try {
    const { rows } = await sql<{ systemIdentifier: string; timeline: string; synchronous: boolean }>`SELECT
      (SELECT system_identifier::text FROM pg_control_system()) AS "systemIdentifier",
      (current_setting('synchronous_standby_names') <> '' AND current_setting('synchronous_commit') IN ('on', 'remote_apply'))
        AS synchronous,
      substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline`.execute(db);
    const row = rows[0];
    return {
      systemIdentifier: row?.systemIdentifier ?? null,
      timeline: row ? Number.parseInt(row.timeline, 16) : null,
      synchronous: row?.synchronous ?? false,
    };
  } catch (error) {
    if (error instanceof DatabaseError && error.sqlState === INSUFFICIENT_PRIVILEGE)
      return { systemIdentifier: null, timeline: null, synchronous: false };
    throw error;
  }
}
