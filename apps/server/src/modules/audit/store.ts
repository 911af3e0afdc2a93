import type { AuditEntry, AuditQuery, OrganizationId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { type Executor, named } from '../../platform/database/index.ts';
import { type Change, describeActor, toAuditValue } from './change.ts';
import { findSeqRange } from './time-bounds.ts';

/** Writes one entry; nothing ever changes or removes it. */
export async function insertEntry(
  tx: Executor,
  { caller, action, noun, subjectId, subjectName, before, after }: Change,
): Promise<void> {
  const actor = describeActor(caller);
  await sql`${named('insert_audit')} INSERT INTO audit (organization_id, actor_kind, actor_id, actor_name, action, noun, subject_id, subject_name, address, request_id, before, after)
    VALUES (${caller.organizationId}, ${actor.kind}, ${actor.id}, ${actor.name}, ${action}, ${noun}, ${subjectId}, ${subjectName ?? null},
      ${actor.address}, ${actor.requestId}, ${toJson(before)}::jsonb, ${toJson(after)}::jsonb)`.execute(tx);
}

const toJson = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(toAuditValue(value)));

export type AuditRow = Omit<AuditEntry, 'at'> & { at: Date };

/** Entries that match, newest first, below the sequence number `below`. */
export async function listEntries(
  db: Executor,
  organizationId: OrganizationId,
  query: AuditQuery,
  below: number | undefined,
  limit: number,
): Promise<AuditRow[]> {
  const since = query.since === undefined ? undefined : new Date(query.since);
  const until = query.until === undefined ? undefined : new Date(query.until);
  const range = await findSeqRange(db, organizationId, { since, until });
  const rows = await db
    .selectFrom('audit')
    .select([
      'seq',
      'at',
      'actor_kind',
      'actor_id',
      'actor_name',
      'action',
      'noun',
      'subject_id',
      'subject_name',
      'address',
      'request_id',
      'before',
      'after',
    ])
    .where('organization_id', '=', organizationId)
    .$if(below !== undefined, (q) => q.where('seq', '<', below as number))
    .$if(query.noun !== undefined, (q) => q.where('noun', '=', query.noun as string))
    .$if(query.subject_id !== undefined, (q) => q.where('subject_id', '=', query.subject_id as string))
    .$if(query.actor_id !== undefined, (q) => q.where('actor_id', '=', query.actor_id as string))
    .$if(query.action !== undefined, (q) => q.where('action', '=', query.action as string))
    .$if(since !== undefined, (q) => q.where('at', '>=', since as Date).where('seq', '>=', range.least))
    .$if(until !== undefined, (q) => q.where('at', '<', until as Date).where('seq', '<=', range.most))
    .orderBy('seq', 'desc')
    .limit(limit)
    .execute();
  return rows as AuditRow[];
}
