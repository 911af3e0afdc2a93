import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { type Logger, sha256Hex } from '@groundcrew/kit';
import { type AttemptId, MAX_CHUNK_BYTES, type Phase, type StreamEnd, type TaskId } from '@groundcrew/protocol';
import type { Bus } from '../../platform/bus/index.ts';
import { afterCommit, type Database, type Executor, transaction } from '../../platform/database/index.ts';
import { AppError } from '../../platform/http/index.ts';
import type { Archive } from './archive.ts';
import { createArchiver } from './archiver.ts';
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
import { createStreamVerifier } from './verify-stream.ts';

/** A chunk as it arrives; `compressed` are the very same bytes as gzip, kept as they came to save work and room. */
export interface IncomingChunk {
  offset: number;
  content: Buffer;
  checksum: string;
  writtenAt: Date;
  compressed?: Buffer;
}

export interface LogsDeps {
  db: Database;
  bus: Bus;
  logger: Logger;
  limits?: LogLimits;
  /** Where finished logs go; without it they stay in the database. */
  archive?: Archive | undefined;
  /** Told of every chunk that was stored, with the bytes that were new. */
  onAppended?: ((bytes: number) => void) | undefined;
  /** Told once per stream that is stored to its end and is not what the exit record names. */
  onDamaged?: (stream: StoredStream, sentence: string) => void;
}

/** Wake-ups of a task's streams travel on this channel; the bytes themselves are always read from the store. */
export const logChannel = (taskId: TaskId): string => `log:${taskId}`;
/** Tells that a task has one stream more. */
export const streamsChannel = (taskId: TaskId): string => `streams:${taskId}`;

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
export function createLogsService(deps: LogsDeps) {
  const { db, bus, logger, limits = DEFAULT_LOG_LIMITS, archive, onDamaged, onAppended } = deps;
  const verifier = createStreamVerifier({
    logger,
    findStream: (key) => store.findStream(db, key),
    readSegments,
    markDamaged: (key, reason) => store.markDamaged(db, key, reason),
    onDamaged,
  });

  const archiver = archive && createArchiver({ db, archive, readSegments, logger });

  /** Appends a chunk and wakes whoever watches; `complete` says that the end named by the exit record is in. Errors: `checksum_mismatch`, `offset_mismatch`, `too_large`. */
  async function append(attempt: { attemptId: AttemptId; taskId: TaskId }, phase: Phase, chunk: IncomingChunk) {
    refuseBroken(chunk);
    const key: StreamKey = { attemptId: attempt.attemptId, phase };
    const stored = (await appendFast(key, chunk)) ?? (await appendCarefully(key, chunk));
    onAppended?.(stored.saved);
    if (chunk.offset === 0) bus.publish(streamsChannel(attempt.taskId), attempt.attemptId);
    bus.publish(logChannel(attempt.taskId), attempt.attemptId);
    if (stored.complete) verifier.verify(key);
    if (crossed(stored.length - stored.saved, stored.length, LIMIT_CHECK_BYTES)) await enforceLimit(key, stored.length);
    return { nextOffset: stored.length, savedBytes: stored.saved, complete: stored.complete };
  }

  async function appendFast(key: StreamKey, chunk: IncomingChunk): Promise<Stored | undefined> {
    const { length } = chunk.content;
    if (length === 0) return undefined;
    const segment = await toSegment(chunk, chunk.offset, chunk.content);
    const begun = chunk.offset === 0 ? await store.beginWith(db, key, segment) : undefined;
    const appended = begun ?? (await store.appendAtEnd(db, key, segment));
    return appended && { ...appended, saved: length };
  }

  /** An overlap, a hole, or nothing at all. */
  async function appendCarefully(key: StreamKey, chunk: IncomingChunk): Promise<Stored> {
    return transaction(db, async (tx) => {
      const stream = await store.findStreamForUpdate(tx, key);
      const length = stream?.length ?? 0;
      const rest = chunk.content.subarray(await findOverlap(tx, key, length, chunk));
      if (rest.length === 0) return { length, complete: stream?.whole ?? false, saved: 0 };
      const offset = chunk.offset + chunk.content.length - rest.length;
      const appended = await store.appendAtEnd(tx, key, await toSegment(chunk, offset, rest));
      // Behind the end that the exit record names nothing is taken.
      if (appended === undefined) throw offsetMismatch(length, chunk.offset);
      return { ...appended, saved: rest.length };
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
    for (const segment of await listStored(tx, key, offset, bytes.length)) {
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

  /** Whole segments that cover `offset` and what follows, from the database or, before what is there, from the archive. */
  async function listStored(executor: Executor, key: StreamKey, offset: number, bytes: number): Promise<Segment[]> {
    const rows = await inflate(await store.listSegments(executor, key, offset, bytes));
    const [first] = rows;
    if (first !== undefined && first.offset <= offset) return rows;
    const archived = await store.findArchived(executor, key);
    if (archived === undefined) return rows;
    if (archive === undefined)
      throw new AppError('unavailable', `The log ${archived.key} is in an archive; set archive_dir to where that is.`);
    return [...(await archive.read(archived, offset, bytes)), ...rows];
  }

  /** The stored bytes from `offset` on, about `bytes` of them: whole segments, the first one trimmed to the offset. */
  async function readSegments(key: StreamKey, offset: number, bytes: number): Promise<Segment[]> {
    const stored = await listStored(db, key, offset, bytes);
    return stored.map((segment) => trim(segment, offset)).filter((segment) => segment.length > 0);
  }

  return {
    append,
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
     * A stream that never had a byte is made here.
     */
    async finish(tx: Executor, attemptId: AttemptId, end: StreamEnd): Promise<boolean> {
      const key: StreamKey = { attemptId, phase: end.phase };
      const complete = await store.setFinal(tx, key, end.length, end.checksum);
      if (complete) afterCommit(tx, () => verifier.verify(key));
      return complete;
    },

    /** Moves finished logs that have rested for so long into the archive, if there is one; gives how many. */
    archiveFinished: async (afterSeconds: number): Promise<number> => (await archiver?.(afterSeconds)) ?? 0,

    /** Resolves when no stream is being verified any more. */
    settled: verifier.settled,
  };
}
export type LogsService = ReturnType<typeof createLogsService>;

/** How far a stream is after an append, and how much of the chunk was news. */
type Stored = store.Appended & { saved: number };

function refuseBroken({ content, checksum, offset }: IncomingChunk): void {
  if (content.length > MAX_CHUNK_BYTES)
    throw new AppError(
      'too_large',
      `A log chunk may hold ${MAX_CHUNK_BYTES} bytes; this one has ${content.length}. Send it in pieces.`,
    );
  if (sha256Hex(content) !== checksum)
    throw new AppError(
      'checksum_mismatch',
      `The log chunk at offset ${offset} does not have the checksum it was sent with; nothing was stored. Send it again.`,
    );
}

const crossed = (from: number, to: number, step: number): boolean => Math.floor(from / step) !== Math.floor(to / step);

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
