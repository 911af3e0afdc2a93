import type { TaskId } from '@groundcrew/protocol';
import { type RawBuilder, sql } from 'kysely';
import { type Executor, named } from '../../platform/database/index.ts';
import type { Archived } from './archive.ts';
import type { Segment, StoredStream, StreamKey } from './log-stream.ts';

interface StreamRow {
  attempt_id: string;
  phase: string;
  organization_id: string;
  task_id: string;
  number: number;
  ended: boolean;
  outcome: string | null;
  length: number;
  complete: boolean;
  incomplete_reason: string | null;
  final_length: number | null;
  checksum: string | null;
  archived_key: string | null;
}

/** That nothing will follow is read off the attempt, so there is nothing to write when it ends and nothing to undo when bytes come late. */
const toStream = (row: StreamRow): StoredStream =>
  ({
    attemptId: row.attempt_id,
    phase: row.phase,
    organizationId: row.organization_id,
    taskId: row.task_id,
    attempt: row.number,
    length: row.length,
    whole: row.complete,
    complete: row.complete || row.ended,
    incompleteReason: row.incomplete_reason ?? (row.ended && !row.complete ? notNamed(row) : null),
    finalLength: row.final_length,
    checksum: row.checksum,
    archivedKey: row.archived_key,
  }) as StoredStream;

const notNamed = ({ number, outcome }: StreamRow): string =>
  `Attempt ${number} ended (${outcome}) before the end of this log arrived.`;

const STREAM: RawBuilder<unknown> = sql`SELECT s.attempt_id, s.phase, s.organization_id, s.task_id, a.number,
  a.state = 'ended' AS ended, a.outcome, s.length, s.complete, s.incomplete_reason, s.final_length, s.checksum, s.archived_key
  FROM log_streams s JOIN attempts a ON a.id = s.attempt_id`;

/** The stream with its row locked, so that appends to it follow each other. */
export async function findStreamForUpdate(db: Executor, key: StreamKey): Promise<StoredStream | undefined> {
  const { rows } = await sql<StreamRow>`${STREAM} WHERE s.attempt_id = ${key.attemptId} AND s.phase = ${key.phase}
    FOR UPDATE OF s`.execute(db);
  return rows[0] && toStream(rows[0]);
}

/** One stream, not locked. */
export async function findStream(db: Executor, key: StreamKey): Promise<StoredStream | undefined> {
  const { rows } =
    await sql<StreamRow>`${named('find_log_stream')} ${STREAM} WHERE s.attempt_id = ${key.attemptId} AND s.phase = ${key.phase}`.execute(
      db,
    );
  return rows[0] && toStream(rows[0]);
}

/** All streams of a task in the order they are read: attempts as numbered, plan before apply. */
export async function listStreams(db: Executor, taskId: TaskId): Promise<StoredStream[]> {
  const { rows } = await sql<StreamRow>`${STREAM} WHERE s.task_id = ${taskId} ORDER BY a.number, s.phase DESC`.execute(
    db,
  );
  return rows.map(toStream);
}

/** How far a stream is after an append, and whether it now is all that the exit record names. */
export interface Appended {
  length: number;
  complete: boolean;
}

/**
 * The common case in one round trip: the chunk starts exactly at the stored length. Undefined when it does not fit (or the stream
 * is not there yet) and the slow path has to look. Row-locks the stream, so two appends never interleave.
 */
export async function appendAtEnd(db: Executor, key: StreamKey, chunk: NewSegment): Promise<Appended | undefined> {
  const { rows } = await sql<Appended>`${named('append_log')}
    WITH stream AS (
      UPDATE log_streams SET length = length + ${chunk.length}, updated_at = now(),
        complete = final_length IS NOT NULL AND length + ${chunk.length} >= final_length
      WHERE attempt_id = ${key.attemptId} AND phase = ${key.phase} AND length = ${chunk.offset} AND NOT complete
      RETURNING organization_id, length, complete
    ), segment AS (
      INSERT INTO log_segments (organization_id, attempt_id, phase, "offset", length, encoding, content, written_at)
      SELECT organization_id, ${key.attemptId}, ${key.phase}, ${chunk.offset}::bigint, ${chunk.length}::bigint, ${chunk.encoding}, ${chunk.content}::bytea, ${chunk.writtenAt}::timestamptz
      FROM stream
    )
    SELECT length, complete FROM stream`.execute(db);
  return rows[0];
}

/** The same for the first chunk of a stream that is not there yet; its attempt gives tenant and task. */
export async function beginWith(db: Executor, key: StreamKey, chunk: NewSegment): Promise<Appended | undefined> {
  const { rows } = await sql<Appended>`${named('begin_log')}
    WITH stream AS (
      INSERT INTO log_streams (attempt_id, phase, organization_id, task_id, length)
      SELECT id, ${key.phase}, organization_id, task_id, ${chunk.length}::bigint FROM attempts WHERE id = ${key.attemptId}
      ON CONFLICT DO NOTHING RETURNING organization_id, length, complete
    ), segment AS (
      INSERT INTO log_segments (organization_id, attempt_id, phase, "offset", length, encoding, content, written_at)
      SELECT organization_id, ${key.attemptId}, ${key.phase}, 0, ${chunk.length}::bigint, ${chunk.encoding}, ${chunk.content}::bytea, ${chunk.writtenAt}::timestamptz
      FROM stream
    )
    SELECT length, complete FROM stream`.execute(db);
  return rows[0];
}

/** A segment on its way in; `content` is stored as it is, `length` counts the uncompressed bytes. */
export interface NewSegment {
  offset: number;
  length: number;
  encoding: 'identity' | 'gzip';
  content: Buffer;
  writtenAt: Date;
}

/** A segment as stored, still compressed. */
export interface StoredSegment extends Segment {
  encoding: 'identity' | 'gzip';
}

interface SegmentRow {
  offset: number;
  length: number;
  gap: boolean;
  encoding: 'identity' | 'gzip';
  content: Buffer;
  written_at: Date;
}

/**
 * Segments that cover `offset` and what follows, up to about `bytes` uncompressed bytes. Starts from the last segment at or
 * before the offset (one index step) instead of filtering by the end of every earlier one.
 */
export async function listSegments(
  db: Executor,
  key: StreamKey,
  offset: number,
  bytes: number,
): Promise<StoredSegment[]> {
  const { rows } = await sql<SegmentRow>`${named('list_log_segments')}
    SELECT "offset", length, gap, encoding, content, written_at FROM log_segments
    WHERE attempt_id = ${key.attemptId} AND phase = ${key.phase} AND "offset" < ${offset + bytes}::bigint
      AND "offset" >= coalesce((SELECT max("offset") FROM log_segments
        WHERE attempt_id = ${key.attemptId} AND phase = ${key.phase} AND "offset" <= ${offset}), 0)
    ORDER BY "offset"`.execute(db);
  return rows.map(({ written_at, ...row }) => ({ ...row, writtenAt: written_at }));
}

/** Places and sizes of all segments, without their bytes. */
export async function listExtents(
  db: Executor,
  key: StreamKey,
): Promise<{ offset: number; length: number; gap: boolean }[]> {
  const { rows } = await sql<{
    offset: number;
    length: number;
    gap: boolean;
  }>`SELECT "offset", length, gap FROM log_segments
    WHERE attempt_id = ${key.attemptId} AND phase = ${key.phase} ORDER BY "offset"`.execute(db);
  return rows;
}

/** Replaces the segments of `[from, to)` by one gap with the marker people read. */
export async function replaceByGap(
  db: Executor,
  key: StreamKey,
  from: number,
  to: number,
  marker: Buffer,
): Promise<void> {
  await sql`DELETE FROM log_segments WHERE attempt_id = ${key.attemptId} AND phase = ${key.phase}
    AND "offset" >= ${from} AND "offset" < ${to}`.execute(db);
  await sql`INSERT INTO log_segments (organization_id, attempt_id, phase, "offset", length, gap, content)
    SELECT organization_id, attempt_id, phase, ${from}::bigint, ${to - from}::bigint, true, ${marker}::bytea FROM log_streams
    WHERE attempt_id = ${key.attemptId} AND phase = ${key.phase}`.execute(db);
}

/** Records what the exit record says of the stream, and gives whether all of that is stored. */
export async function setFinal(db: Executor, key: StreamKey, length: number, checksum: string): Promise<boolean> {
  const { rows } = await sql<{ complete: boolean }>`
    INSERT INTO log_streams (attempt_id, phase, organization_id, task_id, final_length, checksum, complete)
    SELECT id, ${key.phase}, organization_id, task_id, ${length}::bigint, ${checksum}, ${length}::bigint = 0 FROM attempts WHERE id = ${key.attemptId}
    ON CONFLICT (attempt_id, phase, organization_id) DO UPDATE SET final_length = excluded.final_length, checksum = excluded.checksum,
      complete = log_streams.length >= excluded.final_length, updated_at = now()
    RETURNING complete`.execute(db);
  return rows[0]?.complete ?? false;
}

/** Notes why a stream whose end is in is not what the exit record names; false when that was noted before. */
export async function markDamaged(db: Executor, key: StreamKey, reason: string): Promise<boolean> {
  const result = await db
    .updateTable('log_streams')
    .set({ incomplete_reason: reason })
    .where('attempt_id', '=', key.attemptId)
    .where('phase', '=', key.phase)
    .where('incomplete_reason', 'is', null)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Late bytes of a log that never came to its end are waited for this long. */
const DELIVERY_DAYS = 7;

/**
 * Streams of ended attempts that are whole and have rested for `afterSeconds`, or will not become whole any more. Nothing is due before
 * `afterSeconds`: said apart, so that the index ends there.
 */
export async function listToArchive(db: Executor, afterSeconds: number, limit: number): Promise<StoredStream[]> {
  const { rows } = await sql<StreamRow>`${STREAM} WHERE s.archived_key IS NULL AND a.state = 'ended' AND s.length > 0
    AND s.updated_at < now() - make_interval(secs => ${afterSeconds})
    AND s.updated_at < now() - CASE WHEN s.complete THEN make_interval(secs => ${afterSeconds}) ELSE make_interval(days => ${DELIVERY_DAYS}) END
    ORDER BY s.updated_at LIMIT ${limit}`.execute(db);
  return rows.map(toStream);
}

export async function markArchived(db: Executor, key: StreamKey, { key: file, index }: Archived): Promise<void> {
  await sql`UPDATE log_streams SET archived_key = ${file}, archive_index = ${JSON.stringify(index)}::jsonb
    WHERE attempt_id = ${key.attemptId} AND phase = ${key.phase}`.execute(db);
}

export async function findArchived(db: Executor, key: StreamKey): Promise<Archived | undefined> {
  const { rows } = await sql<Archived>`SELECT archived_key AS key, archive_index AS index FROM log_streams
    WHERE attempt_id = ${key.attemptId} AND phase = ${key.phase} AND archived_key IS NOT NULL`.execute(db);
  return rows[0];
}

/** Removes what lies before `end`. */
export async function deleteSegments(db: Executor, key: StreamKey, end: number): Promise<void> {
  await sql`DELETE FROM log_segments WHERE attempt_id = ${key.attemptId} AND phase = ${key.phase} AND "offset" < ${end}`.execute(
    db,
  );
}
