export type { DatabaseAddress, SessionLimits, SocketAddress } from './address.ts';
export { afterCommit } from './after-commit.ts';
export { connect, type Session } from './connect.ts';
export {
  createDatabase,
  type Database,
  type DatabaseOptions,
  databaseUse,
  type Executor,
  outsideTransaction,
} from './database.ts';
export { DatabaseError, type DatabaseErrorKind, isDatabaseError } from './database-error.ts';
export { type DatabaseIdentity, readIdentity } from './identity.ts';
export { type MigrateResult, migrate } from './migrate.ts';
export { migrationsFolder, readMigrations } from './migration-files.ts';
export { named } from './named.ts';
export { withSession } from './pooled-session.ts';
export type { Tables } from './tables.ts';
export { type TransactionOptions, transaction } from './transaction.ts';
