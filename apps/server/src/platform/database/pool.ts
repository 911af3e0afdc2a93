import { backOffMs, type Clock, type Logger, type Random } from '@groundcrew/kit';
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import { Pool, type PoolClient, type PoolConfig } from 'pg';
import { findStatementName } from './named.ts';
import type { TransactionScope } from './transaction-scope.ts';
import { translateConnectError, translateError } from './translate-error.ts';

export interface PoolOptions {
  config: PoolConfig;
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

/** pg's pool as kysely wants it, with our errors, named statements, patience while PostgreSQL restarts, and the scope's guard. */
export function createPool(options: PoolOptions): PostgresPool & { use(): PoolUse } {
  const { config, scope, strict } = options;
  const pool = new Pool(config);
  // Without listeners a session that breaks, idle or in use, would end the whole process.
  pool.on('error', (error) => options.logger.debug({ err: translateError(error) }, 'An idle database session broke.'));
  pool.on('connect', (client) => client.on('error', () => {}));
  const wrappers = new WeakMap<PoolClient, PostgresPoolClient>();
  return {
    options: pool.options,
    async connect() {
      if (strict && scope.isInside) throw new Error(ESCAPED);
      const client = await acquire(pool, options);
      const wrapper = wrappers.get(client) ?? wrap(client);
      wrappers.set(client, wrapper);
      return wrapper;
    },
    end: () => pool.end(),
    use: () => ({
      busy: pool.totalCount - pool.idleCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
      max: pool.options.max,
    }),
  };
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
