import { backOffMs } from '@groundcrew/kit';
import type { ControlledTransaction, IsolationLevel } from 'kysely';
import { runAfterCommit } from './after-commit.ts';
import { type Database, type Executor, internalsOf } from './database.ts';
import { DatabaseError } from './database-error.ts';
import type { Tables } from './tables.ts';

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
 * harmless twice.
 *
 * Errors: whatever `fn` throws; `outcome_unknown` when the session broke during COMMIT.
 */
export async function transaction<T>(
  db: Database,
  fn: (tx: Executor) => Promise<T>,
  { isolation, attempts = 5 }: TransactionOptions = {},
): Promise<T> {
  const { clock, random } = internalsOf(db);
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
  const { scope } = internalsOf(db);
  if (scope.isInside)
    throw new Error('A transaction was begun inside another one. Pass the executor of the outer one on.');
  const start = db.startTransaction();
  const tx = await (isolation === undefined ? start : start.setIsolationLevel(isolation)).execute();
  try {
    const result = await scope.inside(() => fn(tx));
    await commit(tx);
    runAfterCommit(tx);
    return result;
  } catch (error) {
    // A session that broke cannot roll back, and need not.
    if (!tx.isCommitted && !tx.isRolledBack)
      await tx
        .rollback()
        .execute()
        .catch(() => {});
    throw error;
  }
}

async function commit(tx: ControlledTransaction<Tables>): Promise<void> {
  try {
    await tx.commit().execute();
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.kind !== 'disconnected') throw error;
    throw new DatabaseError(
      'The session with the database broke during a commit; whether it was stored is not known.',
      {
        kind: 'outcome_unknown',
      },
    );
  }
}
