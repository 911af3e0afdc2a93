import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { sha256Hex } from '@groundcrew/kit';
import { type AttemptId, MAX_CHUNK_BYTES, type Phase, type StreamEnd, type TaskId } from '@groundcrew/protocol';
import type { Bus } from '../../platform/bus/index.ts';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import { AppError } from '../../platform/http/index.ts';
import {
  DEFAULT_LOG_LIMITS,
  findExcess,
  gapMarker,
  type LogLimits,
  placeChunk,
  type Segment,
  type StoredStream,
  type StreamKey,
} from './log-stream.ts';
import * as store from './store.ts';

/** A chunk as it arrives; `compressed` are the very same bytes as gzip, kept as they came to save work and room. */
export interface IncomingChunk {
  offset: number;
  content: Buffer;
  checksum: string;
  writtenAt: Date;
  compressed?: Buffer;
}

/** A piece of a stream as read; `gap` pieces hold the marker in place of `length` missing bytes. */
export interface LogSlice {
  stream: StoredStream;
  segments: Segment[];
  nextOffset: number;
}

export interface LogsDeps {
  db: Database;
  bus: Bus;
  limits?: LogLimits;
}

/** Wake-ups of a task's streams travel on this channel; the bytes themselves are always read from the store. */
export const logChannel = (taskId: TaskId): string => `log:${taskId}`;

const unzip = promisify(gunzip);
const zip = promisify(gzip);
/** Below this a row is not worth compressing. */
const COMPRESS_FROM = 4096;
/** The size limit is looked at once per this many bytes, not at every append. */
const LIMIT_CHECK_BYTES = 8 * 1024 * 1024;

/**
 * The one store of logs. Appends are ordered by the row lock of their stream and accepted only at the stored length (an
 * overlap must be identical), so a repeated or reordered chunk can neither double nor tear a log. Nothing here asks whether
 * anybody watches.
 */
export function createLogsService({ db, bus, limits = DEFAULT_LOG_LIMITS }: LogsDeps) {
  /** Appends a chunk and wakes whoever watches; `complete` says that the end named by the exit record is in. Errors: `checksum_mismatch`, `offset_mismatch`, `too_large`. */
  async function append(attempt: { attemptId: AttemptId; taskId: TaskId }, phase: Phase, chunk: IncomingChunk) {
    if (chunk.content.length > MAX_CHUNK_BYTES)
      throw new AppError(
        'too_large',
        `A log chunk may hold ${MAX_CHUNK_BYTES} bytes; this one has ${chunk.content.length}. Send it in pieces.`,
      );
    if (sha256Hex(chunk.content) !== chunk.checksum)
      throw new AppError(
        'checksum_mismatch',
        `The log chunk at offset ${chunk.offset} does not have the checksum it was sent with; nothing was stored. Send it again.`,
      );
    const key: StreamKey = { attemptId: attempt.attemptId, phase };
    const stored = (await appendFast(key, chunk)) ?? (await appendCarefully(key, chunk));
    bus.publish(logChannel(attempt.taskId), attempt.attemptId);
    if (crossed(chunk.offset, stored.length, LIMIT_CHECK_BYTES)) await enforceLimit(key, stored.length);
    return {
      nextOffset: stored.length,
      savedBytes: Math.max(0, stored.length - chunk.offset),
      complete: stored.complete,
    };
  }

  async function appendFast(key: StreamKey, chunk: IncomingChunk): Promise<Stored | undefined> {
    if (chunk.content.length === 0) return undefined;
    return store.appendAtEnd(db, key, await toSegment(chunk, chunk.offset, chunk.content));
  }

  /** First chunk of a stream, overlap, hole, or a stream that was closed as incomplete. */
  async function appendCarefully(key: StreamKey, chunk: IncomingChunk): Promise<Stored> {
    return transaction(db, async (tx) => {
      await store.ensureStream(tx, key);
      const stream = await store.findStreamForUpdate(tx, key);
      if (stream === undefined) throw new AppError('not_found', `There is no attempt ${key.attemptId}.`);
      const overlap = await findOverlap(tx, key, stream.length, chunk);
      const rest = chunk.content.subarray(overlap);
      if (rest.length === 0) return stream;
      if (stream.complete && stream.incompleteReason === null) throw offsetMismatch(stream.length, chunk.offset);
      await store.reopen(tx, key);
      return (await store.appendAtEnd(tx, key, await toSegment(chunk, chunk.offset + overlap, rest))) ?? stream;
    });
  }

  /** How many bytes of the chunk are stored already. Errors: `offset_mismatch` for a hole or for other bytes than the stored ones. */
  async function findOverlap(tx: Executor, key: StreamKey, stored: number, chunk: IncomingChunk): Promise<number> {
    const place = placeChunk(stored, chunk.offset, chunk.content.length);
    if (place.kind === 'hole') throw offsetMismatch(stored, chunk.offset);
    const overlap = place.kind === 'known' ? place.overlap : place.skip;
    if (overlap > 0 && !(await sameBytes(tx, key, chunk.offset, chunk.content.subarray(0, overlap))))
      throw offsetMismatch(stored, chunk.offset);
    return overlap;
  }

  /** True when the stored bytes from `offset` on are these; what a gap swallowed cannot be compared and counts as the same. */
  async function sameBytes(tx: Executor, key: StreamKey, offset: number, bytes: Buffer): Promise<boolean> {
    for (const segment of await inflate(await store.listSegments(tx, key, offset, bytes.length))) {
      if (segment.gap) continue;
      const from = Math.max(offset, segment.offset);
      const to = Math.min(offset + bytes.length, segment.offset + segment.length);
      if (to <= from) continue;
      const stored = segment.content.subarray(from - segment.offset, to - segment.offset);
      if (!stored.equals(bytes.subarray(from - offset, to - offset))) return false;
    }
    return true;
  }

  async function enforceLimit(key: StreamKey, length: number): Promise<void> {
    if (length <= limits.headBytes + limits.tailBytes) return;
    await transaction(db, async (tx) => {
      const stream = await store.findStreamForUpdate(tx, key);
      if (stream === undefined) return;
      const excess = findExcess(await store.listExtents(tx, key), stream.length, limits);
      if (excess) await store.replaceByGap(tx, key, excess.from, excess.to, gapMarker(excess.to - excess.from));
    });
  }

  /** The stored bytes from `offset` on, about `bytes` of them (whole segments, the first one trimmed to the offset). */
  async function read(key: StreamKey, offset: number, bytes: number): Promise<LogSlice | undefined> {
    const stream = await store.findStream(db, key);
    if (stream === undefined) return undefined;
    const segments = await readSegments(key, offset, bytes);
    return { stream, segments, nextOffset: endOf(segments, offset) };
  }

  /** Only the bytes, for readers that know the stream already. */
  async function readSegments(key: StreamKey, offset: number, bytes: number): Promise<Segment[]> {
    const stored = await inflate(await store.listSegments(db, key, offset, bytes));
    return stored.map((segment) => trim(segment, offset)).filter((segment) => segment.length > 0);
  }

  return {
    append,
    read,
    readSegments,
    findStream: (key: StreamKey) => store.findStream(db, key),
    listStreams: (taskId: TaskId) => store.listStreams(db, taskId),

    /** Whole output of one stream as text, for `plan_output` and `apply_output`. */
    async readWhole(key: StreamKey): Promise<string> {
      const segments = await readSegments(key, 0, Number.MAX_SAFE_INTEGER);
      return Buffer.concat(segments.map((segment) => segment.content)).toString('utf8');
    },

    /**
     * Takes over what the exit record says of a stream; inside the caller's transaction. True when everything is stored.
     * A stream of length 0 that never had a byte is created complete.
     */
    async finish(tx: Executor, attemptId: AttemptId, end: StreamEnd): Promise<boolean> {
      const key: StreamKey = { attemptId, phase: end.phase };
      await store.ensureStream(tx, key);
      return store.setFinal(tx, key, end.length, end.checksum);
    },

    /** Closes streams whose end will not come any more; inside the caller's transaction. Late bytes are still taken. */
    async giveUp(tx: Executor, attemptId: AttemptId, reason: string): Promise<void> {
      for (const phase of ['plan', 'apply'] as const) await store.markComplete(tx, { attemptId, phase }, reason);
    },
  };
}
/** How far a stream is after an append. */
type Stored = Pick<StoredStream, 'length' | 'complete'>;

export type LogsService = ReturnType<typeof createLogsService>;

const crossed = (from: number, to: number, step: number): boolean => Math.floor(from / step) !== Math.floor(to / step);

const endOf = (segments: readonly Segment[], offset: number): number => {
  const last = segments.at(-1);
  return last === undefined ? offset : last.offset + last.length;
};

const offsetMismatch = (stored: number, offset: number): AppError =>
  new AppError(
    'offset_mismatch',
    `The stored log ends at ${stored}; a chunk at ${offset} does not go on there, or differs from what is stored. Send from offset ${stored}.`,
    { next_offset: stored },
  );

async function toSegment(chunk: IncomingChunk, offset: number, content: Buffer): Promise<store.NewSegment> {
  const whole = content.length === chunk.content.length ? chunk.compressed : undefined;
  const packed = whole ?? (content.length >= COMPRESS_FROM ? await zip(content, { level: 1 }) : undefined);
  return packed !== undefined && packed.length < content.length
    ? { offset, length: content.length, encoding: 'gzip', content: packed, writtenAt: chunk.writtenAt }
    : { offset, length: content.length, encoding: 'identity', content, writtenAt: chunk.writtenAt };
}

const inflate = (segments: readonly store.StoredSegment[]): Promise<Segment[]> =>
  Promise.all(
    segments.map(async ({ encoding, ...segment }) =>
      encoding === 'gzip' ? { ...segment, content: await unzip(segment.content) } : segment,
    ),
  );

/** Cuts what lies before `offset`; a gap is shown whole from wherever one enters it. */
function trim(segment: Segment, offset: number): Segment {
  const skip = Math.max(0, offset - segment.offset);
  if (skip === 0) return segment;
  const length = Math.max(0, segment.length - skip);
  return {
    ...segment,
    offset: segment.offset + skip,
    length,
    content: segment.gap ? segment.content : segment.content.subarray(skip),
  };
}
