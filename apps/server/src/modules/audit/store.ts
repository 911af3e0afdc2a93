import type { AuditQuery, OrganizationId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { type Executor, named } from '../../platform/database/index.ts';
import type { EntryFields } from './change.ts';
import { findSeqRange } from './time-bounds.ts';

/** Writes one entry and gives its number; nothing ever changes it. */
export async function insertEntry(tx: Executor, entry: EntryFields, stamp: string): Promise<number | undefined> {
  const { rows } = await sql<{
    seq: number;
  }>`${named('insert_audit')} INSERT INTO audit (organization_id, actor_kind, actor_id, actor_name, credential_id, action, noun,
      subject_id, subject_name, address, user_agent, request_id, before, after, stamp)
    VALUES (${entry.organization_id}, ${entry.actor_kind}, ${entry.actor_id}, ${entry.actor_name}, ${entry.credential_id}, ${entry.action},
      ${entry.noun}, ${entry.subject_id}, ${entry.subject_name}, ${entry.address}, ${entry.user_agent}, ${entry.request_id},
      ${toText(entry.before)}::jsonb, ${toText(entry.after)}::jsonb, ${stamp}) RETURNING seq`.execute(tx);
  return rows[0]?.seq;
}

const toText = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));

/** An entry as stored. */
export interface StoredEntry extends EntryFields {
  seq: number;
  at: Date;
}
/** With its place in the chain, once it has one. */
export interface ListedEntry extends Omit<StoredEntry, 'organization_id'> {
  position: number | null;
  hash: string | null;
}

export const ENTRY_COLUMNS = [
  'a.seq',
  'a.at',
  'a.actor_kind',
  'a.actor_id',
  'a.actor_name',
  'a.credential_id',
  'a.action',
  'a.noun',
  'a.subject_id',
  'a.subject_name',
  'a.address',
  'a.user_agent',
  'a.request_id',
  'a.before',
  'a.after',
] as const;

/** Fields of the query that are compared as they are. */
const EXACT = ['noun', 'subject_id', 'actor_id', 'actor_kind', 'action', 'request_id'] as const;

/** Entries that match, newest first, below the sequence number `below`. */
export async function listEntries(
  db: Executor,
  organizationId: OrganizationId,
  query: AuditQuery,
  below: number | undefined,
  limit: number,
): Promise<ListedEntry[]> {
  const since = query.since === undefined ? undefined : new Date(query.since);
  const until = query.until === undefined ? undefined : new Date(query.until);
  const range = await findSeqRange(db, organizationId, { since, until });
  let rows = db
    .selectFrom('audit as a')
    .leftJoin('audit_chain as c', (join) =>
      join.onRef('c.organization_id', '=', 'a.organization_id').onRef('c.seq', '=', 'a.seq'),
    )
    .select([...ENTRY_COLUMNS, 'c.position', 'c.hash'])
    .where('a.organization_id', '=', organizationId)
    .$if(below !== undefined, (q) => q.where('a.seq', '<', below as number))
    .$if(since !== undefined, (q) => q.where('a.at', '>=', since as Date).where('a.seq', '>=', range.least))
    .$if(until !== undefined, (q) => q.where('a.at', '<', until as Date).where('a.seq', '<=', range.most));
  for (const field of EXACT) {
    const wanted = query[field];
    if (wanted !== undefined) rows = rows.where(`a.${field}`, '=', wanted);
  }
  return (await rows.orderBy('a.seq', 'desc').limit(limit).execute()) as ListedEntry[];
}
