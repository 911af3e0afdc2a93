import { backOffMs, type Clock, type Logger, type Random } from '@groundcrew/kit';
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import { Pool, type PoolClient, type PoolConfig } from 'pg';
import { findStatementName } from './named.ts';
import type { TransactionScope } from './transaction-scope.ts';
import { translateConnectError, translateError } from './translate-error.ts';

export interface PoolOptions {
  config: PoolConfig;
  /** Most sessions at once; two or more. */
  maxSessions: number;
  scope: TransactionScope;
  /** Whether a statement that escapes its transaction through the pool is an error. */
  strict: boolean;
  /** How long to go on trying when PostgreSQL cannot be reached, as while it restarts. */
  reconnectMs: number;
  clock: Clock;
  random: Random;
  logger: Logger;
}

const PAUSE = { baseMs: 20, capMs: 250 };

/** How many sessions there are and how many queries wait for one. */
export interface PoolUse {
  busy: number;
  idle: number;
  waiting: number;
  max: number;
}

/** Sessions kept free for what a transaction waits for outside of itself: were they shared, transactions could hold them all. */
const RESERVED = 1;

/** pg's pool as kysely wants it, with our errors, named statements, patience while PostgreSQL restarts, and the scope's guard. */
export function createPool(options: PoolOptions): PostgresPool & { use(): PoolUse } {
  const { maxSessions, scope, strict } = options;
  const pool = openPool(options, maxSessions - RESERVED);
  const reserve = openPool(options, RESERVED);
  const count = (of: (each: Pool) => number) => of(pool) + of(reserve);
  const wrappers = new WeakMap<PoolClient, PostgresPoolClient>();
  return {
    options: pool.options,
    async connect() {
      if (strict && scope.isInside) throw new Error(ESCAPED);
      const client = await acquire(scope.isOutside ? reserve : pool, options);
      const wrapper = wrappers.get(client) ?? wrap(client);
      wrappers.set(client, wrapper);
      return wrapper;
    },
    end: async () => void (await Promise.all([pool.end(), reserve.end()])),
    use: () => ({
      busy: count((each) => each.totalCount - each.idleCount),
      idle: count((each) => each.idleCount),
      waiting: count((each) => each.waitingCount),
      max: maxSessions,
    }),
  };
}

function openPool({ config, logger }: PoolOptions, max: number): Pool {
  const pool = new Pool({ ...config, max });
  // Without listeners a session that breaks, idle or in use, would end the whole process.
  pool.on('error', (error) => logger.debug({ err: translateError(error) }, 'An idle database session broke.'));
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

const ESCAPED =
  'A statement was sent through the pool from inside a transaction, so it would not be part of it. Pass the executor of the transaction on.';

async function acquire(pool: Pool, { clock, random, reconnectMs }: PoolOptions): Promise<PoolClient> {
  const giveUpAt = clock.now() + reconnectMs;
  for (let failures = 1; ; failures += 1) {
    try {
      return await pool.connect();
    } catch (error) {
      const translated = translateConnectError(error);
      if (translated.kind !== 'unavailable' || clock.now() >= giveUpAt) throw translated;
      await clock.sleep(backOffMs(failures, PAUSE, random));
    }
  }
}

function wrap(client: PoolClient): PostgresPoolClient {
  async function query(text: string, values: readonly unknown[]): Promise<unknown> {
    const name = findStatementName(text);
    refuseUndefined(text, values);
    try {
      return await client.query({ text, values: [...values], ...(name === undefined ? {} : { name }) });
    } catch (error) {
      throw translateError(error);
    }
  }
  return {
    query: query as PostgresPoolClient['query'] & (<R>() => Promise<PostgresQueryResult<R>>),
    release: (destroy) => client.release(destroy),
  };
}

/** pg would send NULL, and a condition that compares with NULL silently finds nothing. */
function refuseUndefined(text: string, values: readonly unknown[]): void {
  const position = values.indexOf(undefined);
  if (position >= 0) throw new Error(`Parameter $${position + 1} of a statement is undefined: ${text.slice(0, 200)}`);
}
