import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';

/** Opens a session on the embedded database of a server that runs, as the server itself does. */
export async function openDatabase(home: string): Promise<pg.Client> {
  const folder = join(home, 'postgres');
  const password = readFileSync(join(folder, 'data', 'groundcrew_password'), 'utf8');
  const client = new pg.Client({
    host: join(folder, 'run'),
    port: 5432,
    user: 'groundcrew',
    password,
    database: 'postgres',
  });
  await client.connect();
  return client;
}

/** Everything in every table as text, binary columns in hex: whatever somebody with a dump could search. */
export async function dumpDatabase(home: string): Promise<Map<string, string>> {
  const client = await openDatabase(home);
  try {
    const { rows } = await client.query<{ name: string }>(
      `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables
       WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
    );
    const dump = new Map<string, string>();
    for (const { name } of rows) {
      const found = await client.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`);
      dump.set(name, found.rows.map(({ row }) => row).join('\n'));
    }
    return dump;
  } finally {
    await client.end();
  }
}
