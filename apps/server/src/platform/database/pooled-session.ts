import {
  type CompiledQuery,
  type DatabaseConnection,
  DummyDriver,
  Kysely,
  PostgresDialect,
  type PostgresPoolClient,
  type QueryResult,
} from 'kysely';
import { type Database, type Executor, internalsOf } from './database.ts';
import { DatabaseError } from './database-error.ts';
import type { Tables } from './tables.ts';

/**
 * A session of the pool for a while. Its statements are sent at once, in the order in which they are asked for; those that do
 * not need each other's answers are asked for together (`Promise.all`) and cost one round trip.
 */
export interface PooledSession {
  readonly executor: Executor;
  readonly client: PostgresPoolClient;
  /** Refuses further statements: the session is about to be somebody else's. */
  close(): void;
}

/** Runs `fn` with an executor on one session, which is what locks of a session need. */
export async function withSession<T>(db: Database, fn: (session: Executor) => Promise<T>): Promise<T> {
  const session = openSession(db, await internalsOf(db).pool.connect());
  try {
    return await fn(session.executor);
  } finally {
    session.close();
    session.client.release();
  }
}

/** Makes a session of a client that the caller has acquired and releases. */
export function openSession(db: Database, client: PostgresPoolClient): PooledSession {
  let isOpen = true;
  const connection = toConnection(client, () => isOpen);
  const executor = db.getExecutor().withConnectionProvider({ provideConnection: (consumer) => consumer(connection) });
  const dialect = new PostgresDialect({ pool: internalsOf(db).pool });
  // The driver is what begins transactions and ends the pool; neither is a session's business.
  const kysely = new Kysely<Tables>({ config: { dialect }, dialect, driver: new DummyDriver(), executor });
  return {
    executor: kysely,
    client,
    close() {
      isOpen = false;
    },
  };
}

const COUNTED = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE']);

/** What PostgreSQL says to every statement of a transaction in which an earlier one has failed. */
const ABORTED = '25P02';

function toConnection(client: PostgresPoolClient, isOpen: () => boolean): DatabaseConnection {
  let failure: unknown;
  /** Of statements that were asked for together the one that is waited for first need not be the one that failed. */
  function tell(error: unknown): never {
    if (error instanceof DatabaseError && error.sqlState === ABORTED) throw failure ?? error;
    failure ??= error;
    throw error;
  }
  return {
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      if (!isOpen()) throw new Error('A statement came after the end of the transaction or session that it was for.');
      const { command, rowCount, rows } = await client.query<R>(sql, parameters).catch(tell);
      return COUNTED.has(command) ? { rows, numAffectedRows: BigInt(rowCount) } : { rows };
    },
    streamQuery() {
      throw new Error('A session does not stream.');
    },
  };
}
