import { sql } from 'kysely';
import { type Executor, named } from '../../platform/database/index.ts';
import type { NewEvent, StoredEvent } from './event.ts';

export async function insertEvent(tx: Executor, event: NewEvent): Promise<void> {
  await sql`${named('insert_event')} INSERT INTO events (organization_id, noun, subject_id, kind, workspace_id, data)
    VALUES (${event.organizationId}, ${event.noun}, ${event.id}, ${event.kind}, ${event.workspaceId ?? null}, ${JSON.stringify(event.data ?? {})}::jsonb)`.execute(
    tx,
  );
}

export async function insertEvents(tx: Executor, events: readonly NewEvent[]): Promise<void> {
  const rows = events.map((event) => ({ ...event, workspaceId: event.workspaceId ?? null, data: event.data ?? {} }));
  await sql`${named('insert_events')} INSERT INTO events (organization_id, noun, subject_id, kind, workspace_id, data)
    SELECT e."organizationId", e.noun, e.id, e.kind, e."workspaceId", e.data
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS e("organizationId" text, noun text, id text, kind text, "workspaceId" text, data jsonb)`.execute(
    tx,
  );
}

const EVENT = sql`SELECT seq, at, organization_id AS "organizationId", noun, subject_id AS "subjectId", kind, workspace_id AS "workspaceId", data FROM events`;

/** The newest sequence number handed out to a committed event; 0 when there is none. */
export async function findNewestSeq(db: Executor): Promise<number> {
  const { rows } = await sql<{ seq: number | null }>`SELECT max(seq) AS seq FROM events`.execute(db);
  return rows[0]?.seq ?? 0;
}

/** Events after `seq`, and those of `missing` that have turned up, of all organisations, in order. */
export async function listNewEvents(
  db: Executor,
  seq: number,
  missing: readonly number[],
  limit: number,
): Promise<StoredEvent[]> {
  const late =
    missing.length === 0
      ? []
      : (await sql<StoredEvent>`${EVENT} WHERE seq = ANY(${[...missing]}::bigint[]) ORDER BY seq`.execute(db)).rows;
  const { rows } = await sql<StoredEvent>`${EVENT} WHERE seq > ${seq} ORDER BY seq LIMIT ${limit}`.execute(db);
  return [...late, ...rows];
}

/** No more numbers than this are handed out and not yet committed. */
const OVERLAP = 1_000;

/**
 * What an organisation's follower may have missed: events after `after` up to `until`, and before it those of the last
 * `overlapSeconds`, since a number can be handed out early and committed late. Some come twice.
 */
export async function listMissedEvents(
  db: Executor,
  organizationId: string,
  range: { after: number; until: number; overlapSeconds: number; limit: number },
): Promise<StoredEvent[]> {
  const { rows } = await sql<StoredEvent>`${EVENT} WHERE organization_id = ${organizationId} AND seq <= ${range.until}
    AND seq > ${range.after - OVERLAP} AND (seq > ${range.after} OR at > now() - make_interval(secs => ${range.overlapSeconds}))
    ORDER BY seq LIMIT ${range.limit}`.execute(db);
  return rows;
}

/** Removes events older than `seconds`. */
export async function deleteOldEvents(db: Executor, seconds: number): Promise<void> {
  await sql`DELETE FROM events WHERE at < now() - make_interval(secs => ${seconds})`.execute(db);
}
