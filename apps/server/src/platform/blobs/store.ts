import type { OrganizationId } from '@groundcrew/protocol';
import { type RawBuilder, sql } from 'kysely';
import { type Executor, named } from '../database/index.ts';

export interface BlobRow {
  id: string;
  organization_id: OrganizationId;
  purpose: string;
  subject_id: string;
  size: number;
  sha256: string;
}

/** What stands in place of the checksum until all bytes are stored. */
const UNFINISHED = '';

export async function insertUnfinished(db: Executor, row: Omit<BlobRow, 'size' | 'sha256'>): Promise<void> {
  await db
    .insertInto('blobs')
    .values({ ...row, size: 0, sha256: UNFINISHED })
    .execute();
}

/** Inserts a blob of one part, at most. */
export async function insertWhole(db: Executor, row: BlobRow, content: Buffer): Promise<void> {
  await sql`${named('insert_whole_blob')} WITH blob AS (
      INSERT INTO blobs (id, organization_id, purpose, subject_id, size, sha256)
      VALUES (${row.id}, ${row.organization_id}, ${row.purpose}, ${row.subject_id}, ${row.size}, ${row.sha256})
      RETURNING id, organization_id, size
    ) INSERT INTO blob_chunks (organization_id, blob_id, number, content) SELECT organization_id, id, 0, ${content} FROM blob WHERE size > 0`.execute(
    db,
  );
}

export async function insertChunk(
  db: Executor,
  organizationId: OrganizationId,
  blobId: string,
  number: number,
  content: Buffer,
): Promise<void> {
  await sql`${named('insert_blob_chunk')} INSERT INTO blob_chunks (organization_id, blob_id, number, content)
    VALUES (${organizationId}, ${blobId}, ${number}, ${content})`.execute(db);
}

export async function finish(db: Executor, id: string, size: number, sha256: string): Promise<void> {
  await db.updateTable('blobs').set({ size, sha256 }).where('id', '=', id).execute();
}

/** A blob all of whose bytes are stored. */
export const findBlob = (db: Executor, id: string): Promise<BlobRow | undefined> =>
  db
    .selectFrom('blobs')
    .select(['id', 'organization_id', 'purpose', 'subject_id', 'size', 'sha256'])
    .where('id', '=', id)
    .where('sha256', '<>', UNFINISHED)
    .modifyEnd(named('find_blob'))
    .executeTakeFirst() as Promise<BlobRow | undefined>;

export async function findChunk(db: Executor, blobId: string, number: number): Promise<Buffer | undefined> {
  const { rows } = await sql<{ content: Buffer }>`${named('find_blob_chunk')} SELECT content FROM blob_chunks
    WHERE blob_id = ${blobId} AND number = ${number}`.execute(db);
  return rows[0]?.content;
}

/** The chunks go with it. */
export async function deleteBlob(db: Executor, id: string): Promise<void> {
  await db.deleteFrom('blobs').where('id', '=', id).execute();
}

/** The last of the `most` blobs that come after `after` in the order of ids; undefined when there are fewer. */
export async function findEndOfStretch(db: Executor, after: string, most: number): Promise<string | undefined> {
  const { rows } = await sql<{
    id: string;
  }>`SELECT id FROM blobs WHERE id > ${after} ORDER BY id OFFSET ${most - 1} LIMIT 1`.execute(db);
  return rows[0]?.id;
}

/** A stretch of ids, up to the end when `last` is not given. */
export interface Stretch {
  after: string;
  last: string | undefined;
}

/**
 * Ids of blobs of a stretch, from before `before`, that no row of any table refers to; what refers to blobs is read from the foreign
 * keys. The stretch bounds what is read of those tables as well.
 */
export async function listAbandoned(
  db: Executor,
  before: Date,
  { after, last }: Stretch,
  limit: number,
): Promise<string[]> {
  const within = (id: RawBuilder<unknown>) =>
    last === undefined ? sql`${id} > ${after}` : sql`${id} > ${after} AND ${id} <= ${last}`;
  const { rows: references } = await sql<{ table: string; column: string }>`
    SELECT t.relname AS "table", a.attname AS "column"
    FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
      JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[array_position(c.confkey, (
        SELECT attnum FROM pg_attribute WHERE attrelid = c.confrelid AND attname = 'id'))]
    WHERE c.contype = 'f' AND c.confrelid = 'blobs'::regclass AND t.relname <> 'blob_chunks'`.execute(db);
  const unreferenced = references.map(
    ({ table, column }) =>
      sql`NOT EXISTS (SELECT FROM ${sql.table(table)} r WHERE r.${sql.ref(column)} = b.id AND ${within(sql`r.${sql.ref(column)}`)})`,
  );
  const conditions = sql.join([within(sql`b.id`), ...unreferenced], sql` AND `);
  // The age is asked of what is left: it is not in the index, and all the rest is.
  const { rows } = await sql<{
    id: string;
  }>`WITH unreferenced AS MATERIALIZED (SELECT b.id FROM blobs b WHERE ${conditions})
    SELECT b.id FROM unreferenced JOIN blobs b USING (id) WHERE b.created_at < ${before} AND ${within(sql`b.id`)} ORDER BY b.id LIMIT ${limit}`.execute(
    db,
  );
  return rows.map(({ id }) => id);
}
