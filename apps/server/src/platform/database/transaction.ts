import { backOffMs } from '@groundcrew/kit';
import type { IsolationLevel, PostgresPoolClient } from 'kysely';
import { runAfterCommit } from './after-commit.ts';
import { type Database, type Executor, internalsOf } from './database.ts';
import { DatabaseError } from './database-error.ts';
import { openSession } from './pooled-session.ts';

export interface TransactionOptions {
  /** PostgreSQL's default, READ COMMITTED, when not given. */
  isolation?: IsolationLevel;
  /** How often in all, when PostgreSQL breaks it off to resolve a conflict or the session is lost; 5 when not given. */
  attempts?: number;
}

const PAUSE = { baseMs: 5, capMs: 200 };

/**
 * Runs `fn` in a transaction: commits when it resolves, rolls back when it rejects. `fn` runs again from its start after a
 * deadlock, a serialisation failure or a session lost before COMMIT, so everything it does must go through `tx` or be
 * harmless twice. Statements are sent in the order in which they are asked for; those that do not need each other's answers
 * are best asked for together (`Promise.all`).
 *
 * Errors: whatever `fn` throws; `outcome_unknown` when the session broke during COMMIT.
 */
export async function transaction<T>(
  db: Database,
  fn: (tx: Executor) => Promise<T>,
  { isolation, attempts = 5 }: TransactionOptions = {},
): Promise<T> {
  const { clock, random, scope } = internalsOf(db);
  if (scope.isInside)
    throw new Error('A transaction was begun inside another one. Pass the executor of the outer one on.');
  for (let failures = 1; ; failures += 1) {
    try {
      return await runOnce(db, fn, isolation);
    } catch (error) {
      if (failures >= attempts || !isWorthRepeating(error)) throw error;
      await clock.sleep(backOffMs(failures, PAUSE, random));
    }
  }
}

const REPEATABLE = new Set<string>(['serialization', 'deadlock', 'disconnected']);
const isWorthRepeating = (error: unknown): boolean => error instanceof DatabaseError && REPEATABLE.has(error.kind);

async function runOnce<T>(db: Database, fn: (tx: Executor) => Promise<T>, isolation?: IsolationLevel): Promise<T> {
  const { pool, scope } = internalsOf(db);
  const client = await pool.connect();
  const session = openSession(db, client);
  let isOver = false;
  try {
    // Answered together with the first statement; should it fail, so does everything behind it.
    const begun = begin(client, isolation);
    const result = await scope.inside(() => fn(session.executor));
    session.close();
    await begun;
    await commit(client);
    isOver = true;
    runAfterCommit(session.executor);
    return result;
  } finally {
    session.close();
    client.release(!(isOver || (await rollBack(client))));
  }
}

function begin(client: PostgresPoolClient, isolation: IsolationLevel | undefined): Promise<unknown> {
  const begun = client.query(isolation === undefined ? 'begin' : `begin isolation level ${isolation}`, []);
  // Heard before COMMIT.
  begun.catch(() => {});
  return begun;
}

async function commit(client: PostgresPoolClient): Promise<void> {
  const { command } = await client.query('commit', []).catch((error: unknown) => {
    throw isDisconnect(error) ? new DatabaseError(UNKNOWN, { kind: 'outcome_unknown' }) : error;
  });
  // PostgreSQL's answer when a statement had failed and nobody minded.
  if (command !== 'COMMIT') throw new Error('A statement of the transaction had failed, so it was rolled back.');
}

const UNKNOWN = 'The session with the database broke during a commit; whether it was stored is not known.';
const isDisconnect = (error: unknown): boolean => error instanceof DatabaseError && error.kind === 'disconnected';

/** Whether the session is fit for others; one that broke cannot roll back, and need not. */
const rollBack = (client: PostgresPoolClient): Promise<boolean> =>
  client.query('rollback', []).then(
    () => true,
    () => false,
  );
