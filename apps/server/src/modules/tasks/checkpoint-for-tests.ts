import { sql } from 'kysely';
import type { Database, Executor } from '../../platform/database/index.ts';

/** Every row of every table, by `table id`, as a digest. */
type Rows = ReadonlyMap<string, string>;

export interface Checkpoint {
  /** Rows that are not as they were, as `table id`; of the database as it is, or as it was when `rows` were read. */
  listChanges(rows?: Rows): Promise<string[]>;
  readRows(): Promise<Rows>;
  /** What counts of a task: its open attempt, the fence and the current state of its workspace. */
  listCurrent(taskId: string): Promise<unknown>;
  /** Makes every table what it was. */
  restore(): Promise<void>;
}

/** When somebody was last seen changes with every call, and is nothing that a message could break. */
const NOT_COMPARED = ['last_used_at', 'updated_at', 'last_message_at'];

/** Remembers the whole database, so that many things can be tried upon the same beginning. */
export async function createCheckpoint(db: Database): Promise<Checkpoint> {
  const tables = await listTables(db);
  await sql`DROP SCHEMA IF EXISTS checkpoint CASCADE`.execute(db);
  await sql`CREATE SCHEMA checkpoint`.execute(db);
  for (const table of tables)
    await sql`CREATE TABLE ${sql.table(`checkpoint.${table}`)} AS TABLE ${sql.table(`public.${table}`)}`.execute(db);
  const before = await readRows(db, tables);
  return {
    listChanges: async (rows) => compare(before, rows ?? (await readRows(db, tables))),
    readRows: () => readRows(db, tables),
    listCurrent: (taskId) => readCurrent(db, taskId),
    restore: () => restore(db, tables),
  };
}

async function listTables(db: Database): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`SELECT table_name AS name FROM information_schema.tables
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1`.execute(db);
  return rows.map(({ name }) => name);
}

async function readRows(db: Database, tables: readonly string[]): Promise<Rows> {
  const parts = tables.map(
    (name) => sql`SELECT ${name}::text || ' ' || coalesce(to_jsonb(t) ->> 'id', md5(to_jsonb(t)::text)) AS key,
      md5((to_jsonb(t) - ${NOT_COMPARED}::text[])::text) AS digest FROM ${sql.table(`public.${name}`)} t`,
  );
  const { rows } = await sql<{ key: string; digest: string }>`${sql.join(parts, sql` UNION ALL `)}`.execute(db);
  return new Map(rows.map(({ key, digest }) => [key, digest]));
}

async function readCurrent(db: Database, taskId: string): Promise<unknown> {
  const { rows } = await sql`SELECT to_jsonb(a) AS attempt, t.status, t.stage, w.holder_epoch, w.hold_task_id,
      (SELECT max(version) FROM state_versions v WHERE v.workspace_id = w.id AND v.standing = 'current') AS current
    FROM tasks t JOIN workspaces w ON w.id = t.workspace_id
    LEFT JOIN attempts a ON a.task_id = t.id AND a.number = t.attempt_counter WHERE t.id = ${taskId}`.execute(db);
  return rows[0];
}

function compare(before: Rows, after: Rows): string[] {
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys].filter((key) => before.get(key) !== after.get(key)).toSorted();
}

/** One transaction, so that the server never sees half of it; foreign keys hold again at its end as they did at the beginning. */
const restore = (db: Database, tables: readonly string[]): Promise<void> =>
  db.transaction().execute(async (tx) => {
    await sql`SET LOCAL session_replication_role = replica`.execute(tx);
    for (const table of tables) {
      await sql`DELETE FROM ${sql.table(`public.${table}`)}`.execute(tx);
      const columns = await listColumns(tx, table);
      await sql`INSERT INTO ${sql.table(`public.${table}`)} (${columns}) OVERRIDING SYSTEM VALUE
        SELECT ${columns} FROM ${sql.table(`checkpoint.${table}`)}`.execute(tx);
    }
  });

/** Of a table, all that is not made from others. */
async function listColumns(tx: Executor, table: string) {
  const { rows } = await sql<{ column_name: string }>`SELECT column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = ${table} AND is_generated = 'NEVER'`.execute(tx);
  return sql.join(rows.map(({ column_name }) => sql.ref(column_name)));
}
