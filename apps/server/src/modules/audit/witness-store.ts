import { sql } from 'kysely';
import { type Executor, named } from '../../platform/database/index.ts';
import type { UnsealedEntry } from './chain.ts';
import type { WrittenEntry } from './memory.ts';
import { ENTRY_COLUMNS } from './store.ts';

/** What has become of a committed entry: its place in the chain, and its row. */
export interface Found {
  isSealed: boolean;
  row: UnsealedEntry | undefined;
}

/** By stamp; what is missing from the answer is neither. */
export async function findWritten(db: Executor, written: readonly WrittenEntry[]): Promise<Map<string, Found>> {
  const columns = sql.raw(ENTRY_COLUMNS.join(', '));
  const { rows } = await sql<UnsealedEntry & { written: string; is_sealed: boolean }>`${named('find_written_audit')}
    SELECT w.stamp AS written, ${columns}, a.organization_id, a.stamp, EXISTS (
      SELECT FROM audit_chain c WHERE c.organization_id = w.organization_id AND c.stamp = w.stamp) AS is_sealed
    FROM unnest(${written.map(({ entry }) => entry.organization_id)}::text[], ${written.map(({ seq }) => seq)}::bigint[],
      ${written.map(({ stamp }) => stamp)}::text[]) AS w(organization_id, seq, stamp)
    LEFT JOIN audit a ON a.organization_id = w.organization_id AND a.seq = w.seq AND a.stamp = w.stamp`.execute(db);
  return new Map(
    rows.map(({ written: stamp, is_sealed, ...row }) => [
      stamp,
      { isSealed: is_sealed, row: row.seq === null ? undefined : row },
    ]),
  );
}
