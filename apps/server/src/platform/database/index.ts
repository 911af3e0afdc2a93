export type { DatabaseAddress, SessionLimits, SocketAddress } from './address.ts';
export { afterCommit } from './after-commit.ts';
export { connect, type Session } from './connect.ts';
export { createDatabase, type Database, type DatabaseOptions, type Executor, outsideTransaction } from './database.ts';
export { DatabaseError, type DatabaseErrorKind, isDatabaseError } from './database-error.ts';
export { type MigrateResult, migrate } from './migrate.ts';
export { named } from './named.ts';
export type { Tables } from './tables.ts';
export { type TransactionOptions, transaction } from './transaction.ts';
