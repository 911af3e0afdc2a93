import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger } from '@groundcrew/kit';
import { connect, type DatabaseAddress, migrate, migrationsFolder } from '@groundcrew/server/platform/database';
import { createEmbeddedPostgres } from '@groundcrew/server/platform/embedded-postgres';
import { withDatabase } from './with-database.ts';

/** The PostgreSQL that a test run uses, with a migrated database to make copies of. */
export interface TestCluster {
  address: DatabaseAddress;
  template: string;
  stop(): Promise<void>;
}

/** Data of a test may be lost, so that nothing waits for the disk. */
const SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  autovacuum: 'off',
  max_connections: '200',
};

/**
 * Starts a PostgreSQL of its own in `homeDir`, or uses the one at `externalUrl` (15 or newer; the role must be allowed to create
 * databases).
 */
export async function startTestCluster(homeDir: string, externalUrl: string | undefined): Promise<TestCluster> {
  if (externalUrl !== undefined) return withTemplate({ connectionString: externalUrl }, async () => {});
  const logger = createLogger({ name: 'test postgres', level: 'error' });
  const postgres = createEmbeddedPostgres({ homeDir, logger, settings: SETTINGS });
  return withTemplate(await postgres.start(), postgres.stop);
}

/** Named after the migrations, so that an outside PostgreSQL keeps it from run to run until they change. */
async function withTemplate(address: DatabaseAddress, stop: () => Promise<void>): Promise<TestCluster> {
  const template = `groundcrew_template_${await hashMigrations()}`;
  const session = await connect(address, 'testkit', { statementTimeoutMs: 0, lockTimeoutMs: 0 });
  try {
    // Two test runs may share an outside PostgreSQL.
    await session.query('SELECT pg_advisory_lock(7402161906)');
    const { rowCount } = await session.query('SELECT FROM pg_database WHERE datname = $1 AND datistemplate', [
      template,
    ]);
    if (rowCount === 0) {
      await session.query(`DROP DATABASE IF EXISTS ${template}`);
      await session.query(`CREATE DATABASE ${template}`);
      await migrate(withDatabase(address, template));
      await session.query(`ALTER DATABASE ${template} IS_TEMPLATE true`);
    }
  } finally {
    await session.end();
  }
  return { address, template, stop };
}

async function hashMigrations(): Promise<string> {
  const folder = migrationsFolder();
  const hash = createHash('sha256');
  for (const name of (await readdir(folder)).sort()) hash.update(name).update(await readFile(join(folder, name)));
  return hash.digest('hex').slice(0, 12);
}
