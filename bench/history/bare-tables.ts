import type { Client } from 'pg';

/** What makes a table slow to fill: its constraints and indexes, as statements that take them away and bring them back. */
interface Trimmings {
  drop: string[];
  restore: string[];
}

const CONSTRAINTS = `
SELECT c.contype AS kind, c.conrelid::regclass::text AS "table", quote_ident(c.conname) AS name, pg_get_constraintdef(c.oid) AS definition
FROM pg_constraint c WHERE (c.conrelid = ANY($1::regclass[]) AND c.contype IN ('p', 'u', 'f')) OR c.confrelid = ANY($1::regclass[])`;

const INDEXES = `
SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
FROM pg_index i WHERE i.indrelid = ANY($1::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u'))`;

/**
 * Carries `fill` out on tables that have neither indexes nor constraints, and then gives them back what they had: an index is built in
 * seconds that takes minutes to grow, and the database itself checks that every row refers to one there is. To be called in a transaction.
 */
export async function withBareTables(
  database: Client,
  tables: readonly string[],
  fill: () => Promise<void>,
): Promise<void> {
  const { drop, restore } = await findTrimmings(database, tables);
  for (const statement of drop) await database.query(statement);
  await fill();
  // A table with checks that wait for the commit cannot be altered before they are made.
  await database.query('SET CONSTRAINTS ALL IMMEDIATE');
  for (const statement of restore) await database.query(statement);
}

async function findTrimmings(database: Client, tables: readonly string[]): Promise<Trimmings> {
  const constraints = await database.query<{ kind: string; table: string; name: string; definition: string }>(
    CONSTRAINTS,
    [tables],
  );
  const indexes = await database.query<{ name: string; definition: string }>(INDEXES, [tables]);
  // Foreign keys stand on the keys they refer to: they go first and come last.
  const foreign = constraints.rows.filter(({ kind }) => kind === 'f');
  const keys = constraints.rows.filter(({ kind }) => kind !== 'f');
  const dropOf = ({ table, name }: { table: string; name: string }) => `ALTER TABLE ${table} DROP CONSTRAINT ${name}`;
  const restoreOf = ({ table, name, definition }: { table: string; name: string; definition: string }) =>
    `ALTER TABLE ${table} ADD CONSTRAINT ${name} ${definition}`;
  return {
    drop: [...foreign.map(dropOf), ...indexes.rows.map(({ name }) => `DROP INDEX ${name}`), ...keys.map(dropOf)],
    restore: [...keys.map(restoreOf), ...indexes.rows.map(({ definition }) => definition), ...foreign.map(restoreOf)],
  };
}
