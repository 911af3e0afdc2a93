import { createLogger, newId } from '@groundcrew/kit';
import {
  connect,
  createDatabase,
  type Database,
  type DatabaseAddress,
  type DatabaseOptions,
} from '@groundcrew/server/platform/database';
import { findRunFolder } from '../run-folder.ts';
import { askBroker, brokerSocket, type ClusterInfo } from './broker.ts';
import { withDatabase } from './with-database.ts';

/** A database for one test or one file of tests. */
export interface TestDatabase {
  address: DatabaseAddress;
  db: Database;
  /** Closes `db` and removes the database, whoever else still uses it. */
  drop(): Promise<void>;
}

export interface TestDatabaseOptions extends Partial<Omit<DatabaseOptions, 'address'>> {
  /** Without the product's tables; migrated when not given. */
  empty?: boolean;
}

/**
 * A fresh, migrated database: a copy of one that was migrated once per run. Statements that escape their transaction through
 * the pool are errors in it.
 */
export async function createTestDatabase({
  empty = false,
  ...options
}: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const cluster = await findCluster();
  const name = newId('test').replace('-', '_');
  await execute(cluster, `CREATE DATABASE ${name} TEMPLATE ${empty ? 'template1' : cluster.template}`);
  const address = withDatabase(cluster.address, name);
  const logger = createLogger({ name: 'test', level: 'error' });
  const db = createDatabase({ address, logger, strict: true, ...options });
  return {
    address,
    db,
    async drop() {
      await db.destroy();
      await execute(cluster, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

async function findCluster(): Promise<ClusterInfo> {
  const folder = findRunFolder();
  if (folder === undefined) throw new Error("Name packages/testkit/src/global-setup.ts in vitest's globalSetup.");
  return askBroker(brokerSocket(folder));
}

async function execute({ address }: ClusterInfo, statement: string): Promise<void> {
  const session = await connect(address, 'testkit');
  try {
    await session.query(statement);
  } finally {
    await session.end();
  }
}
