import type { TaskId } from '@groundcrew/protocol';
import { type RawBuilder, sql } from 'kysely';
import type { Executor } from '../../platform/database/index.ts';
import type { Segment, StoredStream, StreamKey } from './log-stream.ts';

interface StreamRow {
  attempt_id: string;
  phase: string;
  organization_id: string;
  task_id: string;
  number: number;
  length: number;
  complete: boolean;
  incomplete_reason: string | null;
  final_length: number | null;
  checksum: string | null;
  archived_key: string | null;
}

const toStream = (row: StreamRow): StoredStream =>
  ({
    attemptId: row.attempt_id,
    phase: row.phase,
    organizationId: row.organization_id,
    taskId: row.task_id,
    attempt: row.number,
    length: row.length,
    complete: row.complete,
    incompleteReason: row.incomplete_reason,
    finalLength: row.final_length,
    checksum: row.checksum,
    archivedKey: row.archived_key,
  }) as StoredStream;

const STREAM: RawBuilder<unknown> = sql`SELECT s.attempt_id, s.phase, s.organization_id, s.task_id, a.number, s.length,
  s.complete, s.incomplete_reason, s.final_length, s.checksum, s.archived_key
  FROM log_streams s JOIN attempts a ON a.id = s.attempt_id`;

/** Creates the stream unless it exists; its attempt gives tenant and task. */
export async function ensureStream(db: Executor, key: StreamKey): Promise<void> {
  await sql`INSERT INTO log_streams (attempt_id, phase, organization_id, task_id)
    SELECT id, ${key.phase}, organization_id, task_id FROM attempts WHERE id = ${key.attemptId}
    ON CONFLICT DO NOTHING`.execute(db);
}

/** The stream with its row locked, so that appends to it follow each other. */
export async function findStreamForUpdate(db: Executor, key: StreamKey): Promise<StoredStream | undefined> {
  const { rows } = await sql<StreamRow>`${STREAM} WHERE s.attempt_id = ${key.attemptId} AND s.phase = ${key.phase}
    FOR UPDATE OF s`.execute(db);
  return rows[0] && toStream(rows[0]);
}

/** One stream, not locked. */
export async function findStream(db: Executor, key: StreamKey): Promise<StoredStream | undefined> {
  const { rows } =
    await sql<StreamRow>`${STREAM} WHERE s.attempt_id = ${key.attemptId} AND s.phase = ${key.phase}`.execute(db);
  return rows[0] && toStream(rows[0]);
}

/** All streams of a task in the order they are read: attempts as numbered, plan before apply. */
export async function listStreams(db: Executor, taskId: TaskId): Promise<StoredStream[]> {
  const { rows } = await sql<StreamRow>`${STREAM} WHERE s.task_id = ${taskId} ORDER BY a.number, s.phase DESC`.execute(
    db,
  );
  return rows.map(toStream);
}

/**
 * The common case in one round trip: the chunk starts exactly at the stored length. Gives the new length and whether that is the
 * end the exit record named, or undefined when it does not fit (or the stream is not there yet) and the slow path has to look.
 * Row-locks the stream, so two appends never interleave.
 */
export async function appendAtEnd(
  db: Executor,
  key: StreamKey,
  chunk: NewSegment,
): Promise<{ length: number; complete: boolean } | undefined> {
  const { rows } = await sql<{ length: number; complete: boolean }>`
    WITH stream AS (
      UPDATE log_streams SET length = length + ${chunk.length}, updated_at = now(),
        complete = final_length IS NOT NULL AND length + ${chunk.length} >= final_length
      WHERE attempt_id = ${key.attemptId} AND phase = ${key.phase} AND length = ${chunk.offset} AND NOT complete
      RETURNING length, complete
    ), segment AS (
      INSERT INTO log_segments (attempt_id, phase, "offset", length, encoding, content, written_at)
      SELECT ${key.attemptId}, ${key.phase}, ${chunk.offset}, ${chunk.length}, ${chunk.encoding}, ${chunk.content}, ${chunk.writtenAt}
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
  const { rows } = await sql<SegmentRow>`
    SELECT "offset", length, gap, encoding, content, written_at FROM log_segments
    WHERE attempt_id = ${key.attemptId} AND phase = ${key.phase} AND "offset" < ${offset + bytes}
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
  await sql`INSERT INTO log_segments (attempt_id, phase, "offset", length, gap, content)
    VALUES (${key.attemptId}, ${key.phase}, ${from}, ${to - from}, true, ${marker})`.execute(db);
}

/** Records what the exit record says of the stream; complete as soon as the stored length reaches it. */
export async function setFinal(db: Executor, key: StreamKey, length: number, checksum: string): Promise<boolean> {
  const { rows } = await sql<{ complete: boolean }>`UPDATE log_streams
    SET final_length = ${length}, checksum = ${checksum}, complete = length >= ${length}, updated_at = now()
    WHERE attempt_id = ${key.attemptId} AND phase = ${key.phase} RETURNING complete`.execute(db);
  return rows[0]?.complete ?? false;
}

/** Closes a stream whose end is stored, or for good with a reason when its end never came. */
export async function markComplete(db: Executor, key: StreamKey, incompleteReason: string | null): Promise<void> {
  await sql`UPDATE log_streams SET complete = true, incomplete_reason = ${incompleteReason}, updated_at = now()
    WHERE attempt_id = ${key.attemptId} AND phase = ${key.phase} AND NOT complete`.execute(db);
}

/** Bytes of late delivery are welcome: a stream that was closed as incomplete opens again. */
export async function reopen(db: Executor, key: StreamKey): Promise<void> {
  await sql`UPDATE log_streams SET complete = false, incomplete_reason = NULL, updated_at = now()
    WHERE attempt_id = ${key.attemptId} AND phase = ${key.phase} AND incomplete_reason IS NOT NULL`.execute(db);
}
