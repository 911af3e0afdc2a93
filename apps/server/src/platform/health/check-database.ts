import { sql } from 'kysely';
import { type Database, migrationsFolder, readMigrations } from '../database/index.ts';
import { keptFor } from '../kept-for.ts';
import type { Reason } from './health.ts';

/** Anybody may ask, so it costs the database one look a second at the most. */
const KEPT_MS = 1_000;
/** Below the time-out that probes usually have doubled by two tries. */
const WAIT_MS = 2_000;

const AWAY: Reason = { code: 'database_unavailable', message: 'The database does not answer.' };

/** Whether the database answers and knows every migration of this version; it may know more, from a newer replica beside us. */
export function createDatabaseCheck(db: Database, folder = migrationsFolder()): () => Promise<Reason | undefined> {
  let needed: Promise<number> | undefined;

  async function check(): Promise<Reason | null> {
    needed ??= readMigrations(folder).then((migrations) => migrations.length);
    const { rows } = await sql<{ applied: number }>`SELECT count(*)::integer AS applied FROM schema_migrations`.execute(
      db,
    );
    const missing = (await needed) - (rows[0]?.applied ?? 0);
    if (missing <= 0) return null;
    return {
      code: 'migrations_missing',
      message: `The database lacks ${missing} of this version's migrations; restart a server of this version to apply them.`,
    };
  }

  const findVerdict = keptFor(check, { keepMs: KEPT_MS, waitMs: WAIT_MS, onFailure: () => {} });
  return async () => {
    const verdict = await findVerdict();
    return verdict === undefined ? AWAY : (verdict ?? undefined);
  };
}
