import type { AuditGap, AuditHead } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { type Executor, named } from '../../platform/database/index.ts';
import type { UnsealedEntry } from './chain.ts';
import { ENTRY_COLUMNS, type StoredEntry } from './store.ts';

/** A place in the chain, with the entry that has it unless somebody took that away. */
export interface ChainedRow {
  position: number;
  hash: string;
  chained_seq: number;
  entry: StoredEntry | undefined;
}

/** The next places after `position`, up to `last`. */
export async function listChained(
  db: Executor,
  organizationId: string,
  position: number,
  last: number,
  limit: number,
): Promise<ChainedRow[]> {
  const columns = sql.raw(ENTRY_COLUMNS.join(', '));
  const { rows } = await sql<StoredEntry & { position: number; hash: string; chained_seq: number }>`
    ${named('list_audit_chain')} SELECT c.position, c.hash, c.seq AS chained_seq, ${columns}, a.organization_id
    FROM audit_chain c LEFT JOIN audit a ON a.organization_id = c.organization_id AND a.seq = c.seq
    WHERE c.organization_id = ${organizationId} AND c.position > ${position} AND c.position <= ${last}
    ORDER BY c.position LIMIT ${limit}`.execute(db);
  return rows.map(({ position: at, hash, chained_seq, ...entry }) => ({
    position: at,
    hash,
    chained_seq,
    entry: entry.seq === null ? undefined : entry,
  }));
}

export async function findHead(db: Executor, organizationId: string): Promise<AuditHead | undefined> {
  const row = await db
    .selectFrom('audit_heads')
    .select(['organization_id', 'position', 'hash', 'unstamped', 'sealed_at', 'signature'])
    .where('organization_id', '=', organizationId)
    .executeTakeFirst();
  return row && ({ ...row, sealed_at: row.sealed_at.toISOString() } as AuditHead);
}

/** The newest place of a chain whose head is gone, so that its entries show all the same; 0 when there is nothing odd. */
export async function findHeadless(db: Executor, organizationId: string): Promise<number> {
  const { rows } = await sql<{ position: number }>`SELECT coalesce(max(position), 0) AS position FROM audit_chain
    WHERE organization_id = ${organizationId}
      AND NOT EXISTS (SELECT FROM audit_heads WHERE organization_id = ${organizationId})`.execute(db);
  return rows[0]?.position ?? 0;
}

export async function listGaps(db: Executor, organizationId: string): Promise<AuditGap[]> {
  const rows = await db
    .selectFrom('audit_gaps')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .orderBy('to_position')
    .execute();
  return rows.map((row) => ({ ...row, removed_at: row.removed_at.toISOString() }) as AuditGap);
}

/** The place before the first entry that is not older than `since`; undefined when there is none. */
export async function findPlaceBefore(
  db: Executor,
  organizationId: string,
  since: Date,
): Promise<{ position: number; hash: string | null } | undefined> {
  const { rows } = await sql<{ position: number; hash: string | null }>`
    SELECT first.position - 1 AS position, (SELECT c.hash FROM audit_chain c
      WHERE c.organization_id = ${organizationId} AND c.position = first.position - 1) AS hash
    FROM (SELECT min(c.position) AS position FROM audit a
      JOIN audit_chain c ON c.organization_id = a.organization_id AND c.seq = a.seq
      WHERE a.organization_id = ${organizationId} AND a.at >= ${since}) first
    WHERE first.position IS NOT NULL`.execute(db);
  return rows[0];
}

/** Rows of an organisation without a place in the chain, the first so many. */
export async function listOutsiders(db: Executor, organizationId: string, limit: number): Promise<UnsealedEntry[]> {
  const columns = sql.raw(ENTRY_COLUMNS.join(', '));
  const { rows } = await sql<UnsealedEntry>`SELECT ${columns}, a.organization_id, a.stamp FROM audit a
    WHERE a.organization_id = ${organizationId} AND NOT EXISTS (
      SELECT FROM audit_chain c WHERE c.organization_id = a.organization_id AND c.seq = a.seq)
    ORDER BY a.seq LIMIT ${limit}`.execute(db);
  return rows;
}
