import type { Client } from 'pg';
import { withBareTables } from './bare-tables.ts';
import { type Amount, EMPTY_AT_FIRST, fillStatements, GROWN } from './fill.sql.ts';

const SETTINGS = `SET LOCAL synchronous_commit = off; SET LOCAL work_mem = '256MB'; SET LOCAL maintenance_work_mem = '1GB'; SET LOCAL lock_timeout = 0`;

/**
 * Writes the history of years into the database of a new server, with as few statements as there are kinds of rows. Whatever the
 * server wants of these tables meanwhile waits.
 */
export async function fillHistory(database: Client, amount: Amount): Promise<void> {
  await database.query(`BEGIN; ${SETTINGS}`);
  // All at once: whoever is in the middle of something with them comes to its end first.
  await database.query(`LOCK TABLE ${GROWN.join(', ')} IN ACCESS EXCLUSIVE MODE`);
  await withBareTables(database, GROWN, async () => {
    // Rows of a table that was emptied in the same transaction go into no log that would have to be written as well.
    await database.query(`TRUNCATE ${EMPTY_AT_FIRST.join(', ')}`);
    for (const statement of fillStatements(amount)) await database.query(statement);
  });
  await database.query('COMMIT');
}

/** What the database does by itself, given an hour. */
export async function settleDatabase(database: Client): Promise<void> {
  await database.query('VACUUM (ANALYZE)');
  await database.query('CHECKPOINT');
}
