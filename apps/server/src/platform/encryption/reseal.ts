import type { OrganizationId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { type Database, type Executor, transaction } from '../database/index.ts';
import { EncryptionError } from './encryption-error.ts';
import { idsOf, keyIdOf, nameOf, type SealedColumn } from './sealed-column.ts';
import type { Sealer } from './sealer.ts';

/** Rows that do not open and so stay as they are, by column. */
interface Unopened {
  column: string;
  row: string;
  reason: string;
}

export interface Resealed {
  /** Rows sealed anew by this call. */
  done: number;
  /** Rows that are still sealed with a retired key, those that do not open included. */
  left: number;
  unopened: Unopened[];
}

interface ResealOptions {
  /** Called after each batch. */
  onProgress?: (progress: { column: string; done: number; total: number }) => void;
  /** Stops between two batches. */
  signal?: AbortSignal;
}

/** A chunk of a blob has up to 1 MiB. */
const BATCH = 16;

interface SealedRow {
  ids: string[];
  sealed: Buffer;
  organization_id: OrganizationId;
  purpose: string;
  subject: string;
}

/**
 * Seals with the current data keys what is still sealed with retired ones. What is left to do stands in the rows themselves:
 * after a crash at any point every row opens, with its old key or its new one, and the next call goes on with the rest. Any
 * number of processes may do it at once, and people may change the same rows meanwhile.
 */
export async function reseal(
  db: Database,
  sealer: Sealer,
  columns: readonly SealedColumn[],
  options: ResealOptions = {},
): Promise<Resealed> {
  const retired = await listRetired(db);
  const result: Resealed = { done: 0, left: 0, unopened: [] };
  if (retired.length === 0) return result;
  for (const column of columns) {
    const total = await countSealed(db, column, retired);
    if (total > 0) await resealColumn({ db, sealer, column, retired, total, result, ...options });
    result.left += await countSealed(db, column, retired);
  }
  return result;
}

interface ColumnPass extends ResealOptions {
  db: Database;
  sealer: Sealer;
  column: SealedColumn;
  retired: readonly string[];
  total: number;
  result: Resealed;
}

async function resealColumn(pass: ColumnPass): Promise<void> {
  const { db, column, total, result, onProgress, signal } = pass;
  let after: readonly string[] | undefined;
  let done = 0;
  while (signal?.aborted !== true) {
    const batch = await transaction(db, (tx) => resealBatch(tx, pass, after));
    if (batch.last === undefined) return;
    after = batch.last;
    done += batch.done;
    result.done += batch.done;
    result.unopened.push(...batch.unopened);
    onProgress?.({ column: nameOf(column), done, total });
  }
}

/** One batch, whose rows are locked until it is committed: nobody's newer value is overwritten by an older one. */
async function resealBatch(
  tx: Executor,
  { sealer, column, retired }: ColumnPass,
  after: readonly string[] | undefined,
) {
  const rows = await lockRows(tx, column, retired, after);
  const batch = { last: rows.at(-1)?.ids, done: 0, unopened: [] as Unopened[] };
  for (const row of rows) {
    const reason = await resealRow(tx, sealer, column, row);
    if (reason === undefined) batch.done += 1;
    else batch.unopened.push({ column: nameOf(column), row: row.ids.join('/'), reason });
  }
  return batch;
}

/** Why the row stays as it is; undefined when it is sealed anew. */
async function resealRow(
  tx: Executor,
  sealer: Sealer,
  column: SealedColumn,
  { ids, sealed, organization_id, purpose, subject }: SealedRow,
): Promise<string | undefined> {
  const opened = await sealer.open(organization_id, purpose, subject, sealed).catch((error: unknown) => {
    if (error instanceof EncryptionError) return error;
    throw error;
  });
  if (opened instanceof EncryptionError) return opened.message;
  const again = await sealer.seal(organization_id, purpose, subject, opened);
  await sql`UPDATE ${sql.table(column.table)} AS t SET ${sql.ref(column.column)} = ${again}
    WHERE (${idsOf(column)}) = (${sql.join(ids)})`.execute(tx);
  return undefined;
}

async function lockRows(
  tx: Executor,
  column: SealedColumn,
  retired: readonly string[],
  after: readonly string[] | undefined,
): Promise<SealedRow[]> {
  const ids = idsOf(column);
  const asText = sql.join(column.ids.map((id) => sql`${sql.ref(`t.${id}`)}::text`));
  const { rows } = await sql<SealedRow>`
    SELECT ARRAY[${asText}] AS ids, ${sql.ref(`t.${column.column}`)} AS sealed, ${column.organization} AS organization_id,
      ${column.purpose} AS purpose, ${column.subject} AS subject
    FROM ${column.from}
    WHERE ${keyIdOf(column)} = ANY(${retired}::text[]) ${after === undefined ? sql`` : sql`AND (${ids}) > (${sql.join(after)})`}
    ORDER BY ${ids} LIMIT ${BATCH} FOR UPDATE OF t SKIP LOCKED`.execute(tx);
  return rows;
}

async function countSealed(db: Executor, column: SealedColumn, keyIds: readonly string[]): Promise<number> {
  const { rows } = await sql<{ count: number }>`SELECT count(*)::int AS count FROM ${column.from}
    WHERE ${keyIdOf(column)} = ANY(${keyIds}::text[])`.execute(db);
  return rows[0]?.count ?? 0;
}

async function listRetired(db: Executor): Promise<string[]> {
  const rows = await db.selectFrom('data_keys').select('id').where('retired_at', 'is not', null).execute();
  return rows.map(({ id }) => id);
}

/** How many values each data key has sealed, by its id. */
export async function countByKey(db: Executor, columns: readonly SealedColumn[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const column of columns) {
    const { rows } = await sql<{ id: string; count: number }>`
      SELECT ${keyIdOf(column)} AS id, count(*)::int AS count FROM ${column.from}
      WHERE ${sql.ref(`t.${column.column}`)} IS NOT NULL GROUP BY 1`.execute(db);
    for (const { id, count } of rows) counts.set(id, (counts.get(id) ?? 0) + count);
  }
  return counts;
}
