import { type Clock, type Logger, type Random, systemClock, systemRandom } from '@groundcrew/kit';
import { Kysely, PostgresDialect, type PostgresPool } from 'kysely';
import { type DatabaseAddress, type SessionLimits, toClientConfig } from './address.ts';
import { createPool, type PoolUse } from './pool.ts';
import type { Tables } from './tables.ts';
import { createTransactionScope, type TransactionScope } from './transaction-scope.ts';

/** What stores take as their first argument: the database itself or a transaction on it. */
export type Executor = Kysely<Tables>;

const INTERNALS = Symbol('internals');

/** The database with its pool of sessions. Made once per process; `destroy()` closes it. */
export interface Database extends Kysely<Tables> {
  readonly [INTERNALS]: DatabaseInternals;
}

interface DatabaseInternals {
  pool: PostgresPool & { use(): PoolUse };
  scope: TransactionScope;
  clock: Clock;
  random: Random;
}

export interface DatabaseOptions extends SessionLimits {
  address: DatabaseAddress;
  logger: Logger;
  /** Most sessions at once, two or more; 20 when not given. One of them is kept for {@link outsideTransaction}. */
  maxSessions?: number;
  /** How long a query waits for PostgreSQL to come back before it fails as `unavailable`; 10,000 when not given. */
  reconnectMs?: number;
  /** How long a query waits for a free session, or one try to connect takes, before it fails; 5,000 when not given. */
  acquireMs?: number;
  /** Makes a statement that escapes its transaction through the pool an error. For tests and development; off when not given. */
  strict?: boolean;
  clock?: Clock;
  random?: Random;
}

const IDLE_SESSION_MS = 60_000;

/** Opens no session by itself; the first query does. Errors are {@link DatabaseError}s. */
export function createDatabase(options: DatabaseOptions): Database {
  const { address, logger, maxSessions = 20, reconnectMs = 10_000, acquireMs = 5_000, strict = false } = options;
  const { clock = systemClock, random = systemRandom } = options;
  const scope = createTransactionScope();
  const config = {
    ...toClientConfig(address, 'server', options),
    connectionTimeoutMillis: acquireMs,
    idleTimeoutMillis: IDLE_SESSION_MS,
    // Statements of a session are sent without waiting for each other's answers.
    pipeline: true,
  };
  const pool = createPool({ config, maxSessions, scope, strict, reconnectMs, clock, random, logger });
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  return Object.assign(kysely, { [INTERNALS]: { pool, scope, clock, random } });
}

/** What sessions and transactions need of a database. Not for use outside this folder. */
export const internalsOf = (db: Database): DatabaseInternals => db[INTERNALS];

/** How much of the pool is in use just now. */
export const databaseUse = (db: Database): PoolUse => db[INTERNALS].pool.use();

/**
 * Runs `fn` as if no transaction were under way, for the rare thing that must last whatever becomes of the caller's
 * transaction. It has a session kept for its like, so it goes on also when transactions that wait for it hold all the others;
 * it must not wait for rows that the transaction has locked.
 */
export const outsideTransaction = <T>(db: Database, fn: () => T): T => db[INTERNALS].scope.outside(fn);
