import type { DatabaseAddress } from './address.ts';
import { connect, type Session } from './connect.ts';
import { type Migration, migrationsFolder, readMigrations } from './migration-files.ts';

/** Serialises everybody who migrates one database; any number that nothing else locks. */
const MIGRATION_LOCK = 7_402_161_905;

export interface MigrateResult {
  /** Names of the migrations that this call applied. */
  applied: string[];
}

/**
 * Brings a database's schema up to date. Each migration is one transaction that also records it, so that a crash leaves the
 * schema at one number or the next; any number of replicas may start at once. Forward only.
 *
 * Refuses, changing nothing, a database that was migrated by a newer version or with a migration that has changed since.
 *
 * @param folder holds the `NNNN_name.sql` files; this program's own when not given
 */
export async function migrate(address: DatabaseAddress, folder = migrationsFolder()): Promise<MigrateResult> {
  const migrations = await readMigrations(folder);
  // Twenty replicas may wait for one that fills a large table: there is no time limit.
  const session = await connect(address, 'migrate', { statementTimeoutMs: 0, lockTimeoutMs: 0 });
  const applied: string[] = [];
  try {
    for (;;) {
      const name = await applyNext(session, migrations);
      if (name === undefined) return { applied };
      applied.push(name);
    }
  } finally {
    await session.end();
  }
}

/** Applies the first migration that is missing and gives its name, or undefined when there is none. */
async function applyNext(session: Session, migrations: readonly Migration[]): Promise<string | undefined> {
  await session.query('BEGIN');
  try {
    await session.query(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
    const next = findNext(await readApplied(session), migrations);
    if (next !== undefined) await apply(session, next);
    await session.query('COMMIT');
    return next?.name;
  } catch (error) {
    await session.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

interface AppliedRow {
  number: number;
  name: string;
  checksum: string;
}

async function readApplied(session: Session): Promise<AppliedRow[]> {
  await session.query(`CREATE TABLE IF NOT EXISTS schema_migrations (
    number      integer PRIMARY KEY,
    name        text NOT NULL,
    checksum    text NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now()
  )`);
  const { rows } = await session.query<AppliedRow>(
    'SELECT number, name, checksum FROM schema_migrations ORDER BY number',
  );
  return rows;
}

function findNext(applied: readonly AppliedRow[], migrations: readonly Migration[]): Migration | undefined {
  for (const row of applied) refuseForeign(row, migrations);
  return migrations[applied.length];
}

function refuseForeign(row: AppliedRow, migrations: readonly Migration[]): void {
  const known = migrations[row.number - 1];
  if (known === undefined)
    throw new Error(
      `This database was migrated by a newer version of Groundcrew: it has ${row.name}, and this version knows only ${migrations.length} migrations. Start that version or a later one; there is no way back but a backup.`,
    );
  if (known.checksum !== row.checksum)
    throw new Error(
      `This database was migrated with ${row.name}, and this version's ${known.name} has another content. Start the version that made the database, or begin with an empty one.`,
    );
}

async function apply(session: Session, { number, name, sql, checksum }: Migration): Promise<void> {
  try {
    await session.query(sql);
  } catch (error) {
    throw new Error(
      `Migration ${name} failed: ${error instanceof Error ? error.message : error}. Nothing of it was kept.`,
      { cause: error },
    );
  }
  await session.query('INSERT INTO schema_migrations (number, name, checksum) VALUES ($1, $2, $3)', [
    number,
    name,
    checksum,
  ]);
}
