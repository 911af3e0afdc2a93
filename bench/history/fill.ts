import { openDatabase } from '../../e2e/harness/index.ts';
import { type Amount, fillStatements } from './fill.sql.ts';

/**
 * Writes the history of years into the database of a server that runs, with as few statements as there are kinds of rows. Foreign
 * keys are not looked up meanwhile: what is written refers to what is written. Gives how long it took, in milliseconds.
 */
export async function fillHistory(home: string, amount: Amount): Promise<number> {
  const startedAt = performance.now();
  const database = await openDatabase(home);
  try {
    await database.query(
      "SET session_replication_role = replica; SET synchronous_commit = off; SET work_mem = '256MB'",
    );
    for (const statement of fillStatements(amount)) await database.query(statement);
    // As the database does by itself, given an hour.
    await database.query('VACUUM (ANALYZE)');
    await database.query('CHECKPOINT');
    return performance.now() - startedAt;
  } finally {
    await database.end();
  }
}
