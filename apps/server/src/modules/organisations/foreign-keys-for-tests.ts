import { type RawBuilder, sql } from 'kysely';
import type { Executor } from '../../platform/database/index.ts';

export interface ForeignKey {
  name: string;
  table: string;
  columns: string[];
  parent: string;
  parentColumns: string[];
}

export interface Column {
  name: string;
  type: string;
  /** Must be given a value. */
  needed: boolean;
}

export interface Table {
  name: string;
  columns: Column[];
  primaryKey: string[];
}

/** What the catalogue says of all tables but the migrations' own. */
export async function readTables(db: Executor): Promise<Map<string, Table>> {
  const { rows } = await sql<Table>`SELECT t.relname AS name,
      (SELECT jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, NULL),
        'needed', a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''))
        FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
      (SELECT coalesce(jsonb_agg(a.attname), '[]') FROM pg_index i JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY(i.indkey)
        WHERE i.indrelid = t.oid AND i.indisprimary) AS "primaryKey"
    FROM pg_class t WHERE t.relnamespace = 'public'::regnamespace AND t.relkind IN ('r', 'p') AND t.relname <> 'schema_migrations'`.execute(
    db,
  );
  return new Map(rows.map((table) => [table.name, table]));
}

export async function readForeignKeys(db: Executor): Promise<ForeignKey[]> {
  const names = (key: string, table: string): RawBuilder<unknown> =>
    sql`(SELECT jsonb_agg(a.attname ORDER BY k.place) FROM unnest(${sql.raw(key)}) WITH ORDINALITY AS k (number, place)
      JOIN pg_attribute a ON a.attrelid = ${sql.raw(table)} AND a.attnum = k.number)`;
  const { rows } = await sql<ForeignKey>`SELECT c.conname AS name, t.relname AS table, p.relname AS parent,
      ${names('c.conkey', 'c.conrelid')} AS columns, ${names('c.confkey', 'c.confrelid')} AS "parentColumns"
    FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class p ON p.oid = c.confrelid
    WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace ORDER BY t.relname, c.conname`.execute(db);
  return rows;
}

export type Row = Record<string, unknown>;

/** Something that fits the type and is there once. */
function makeValue(type: string, unique: string): unknown {
  if (type === 'text') return unique;
  if (['bigint', 'integer', 'smallint'].includes(type)) return 1;
  if (type === 'boolean') return false;
  if (type === 'jsonb') return {};
  if (type === 'bytea') return '\\x00';
  if (type === 'text[]') return [];
  if (type.startsWith('timestamp')) return '2026-01-01T00:00:00.000Z';
  throw new Error(`A value of type ${type} cannot be made yet; teach ${import.meta.filename}.`);
}

/**
 * Makes rows out of what the catalogue says, so that a new table is covered without a word about it: needed columns get some
 * value, needed foreign keys a parent of the same organisation, made on the way.
 */
export function createRows(db: Executor, tables: ReadonlyMap<string, Table>, keys: readonly ForeignKey[]) {
  const made = new Map<string, Row>();
  let number = 0;

  /** The row of this table that the organisation has; without it being stored when it is the one under test. */
  async function draft(name: string, organizationId: string): Promise<Row> {
    const table = tables.get(name) as Table;
    number += 1;
    const values = table.columns
      .filter(({ needed }) => needed)
      .map(({ name: column, type }) => [column, makeValue(type, `${name}-${column}-${number}`)]);
    const row: Row = Object.fromEntries(values);
    if ('organization_id' in row) row.organization_id = organizationId;
    for (const key of keys.filter(({ table: child }) => child === name))
      if (key.columns.every((column) => column in row)) Object.assign(row, await pointTo(key, organizationId));
    return row;
  }

  /** The key's columns as they point to the organisation's row of the parent. */
  async function pointTo(key: ForeignKey, organizationId: string): Promise<Row> {
    const parent = await get(key.parent, organizationId);
    return Object.fromEntries(key.columns.map((column, index) => [column, parent[key.parentColumns[index] as string]]));
  }

  async function get(name: string, organizationId: string): Promise<Row> {
    if (name === 'organizations') return { id: organizationId };
    const known = made.get(`${name} ${organizationId}`);
    if (known !== undefined) return known;
    const row = await insert(name, await draft(name, organizationId));
    made.set(`${name} ${organizationId}`, row);
    return row;
  }

  async function insert(name: string, row: Row, tx: Executor = db): Promise<Row> {
    const columns = sql.join(Object.keys(row).map((column) => sql.ref(column)));
    const { rows } = await sql<{ row: Row }>`INSERT INTO ${sql.table(name)} AS t (${columns}) OVERRIDING SYSTEM VALUE
      SELECT ${columns} FROM jsonb_populate_record(NULL::${sql.table(name)}, ${JSON.stringify(row)}::jsonb)
      RETURNING to_jsonb(t) AS row`.execute(tx);
    return rows[0]?.row as Row;
  }

  return { draft, pointTo, insert };
}
