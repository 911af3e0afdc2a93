import { type CreateCutter, createMasker, type Masker, type Patterns } from '../mask/index.ts';
import type { Follower } from './follow.ts';
import { createSha256, type Sha256 } from './sha256.ts';
import type { Checkpoint, Drop } from './spool-journal.ts';
import type { WriteTimes } from './write-times.ts';

/** Masked bytes that follow each other. */
export interface MaskedPiece {
  /** Place of the first one in the masked stream. */
  readonly offset: number;
  readonly bytes: Buffer;
  /** When they were written, in milliseconds since 1970. */
  readonly writtenAt: number;
}

export interface MaskedReaderOptions {
  readonly follower: Follower;
  readonly times: WriteTimes;
  readonly patterns: Patterns;
  readonly createCutter?: CreateCutter | undefined;
  /** The first drop that ends behind the offset. Asked before each read. */
  readonly findDrop: (rawOffset: number) => Drop | undefined;
  readonly start: Checkpoint;
  /** Raw bytes before it may have been given out by a predecessor. */
  readonly fixedOffset: number;
}

/** Turns the raw file into the masked stream, a piece at a time. Calls must not overlap. */
export interface MaskedReader {
  /** The next masked bytes, one at least; undefined when there are none now. */
  read(): Promise<MaskedPiece | undefined>;
  /** Whether everything has been given out; only after the follower was told to finish. */
  ended(): boolean;
  adopt(patterns: Patterns): void;
  /** Goes back to a checkpoint of this stream. */
  restart(from: Checkpoint): void;
  /** The newest place to go back to. */
  checkpoint(): Checkpoint;
  /** Place of the next raw byte. */
  rawOffset(): number;
  /** What becomes of the raw bytes before it is settled: they may have been given out. New rules hold behind it only. */
  fixedOffset(): number;
  maskedOffset(): number;
  /** Checksum of everything given out. */
  digest(): string;
}

const READ_BYTES = 256 * 1024;
/** Bytes written further apart do not share a piece, so that each has about its own time. */
const PIECE_SPAN_MS = 10_000;

export function createMaskedReader(options: MaskedReaderOptions): MaskedReader {
  const { follower, times, createCutter, findDrop } = options;
  let { patterns } = options;
  let masker: Masker;
  let sha256: Sha256;
  let checkpoint: Checkpoint;
  let maskedOffset: number;
  let ended: boolean;
  let { fixedOffset } = options;
  restart(options.start);

  function restart(from: Checkpoint): void {
    masker = createMasker({ patterns, start: from, ...(createCutter && { createCutter }) });
    sha256 = createSha256(from.sha256);
    checkpoint = from;
    maskedOffset = from.maskedOffset;
    ended = false;
    follower.seek(from.rawOffset);
  }

  /** Hashes the bytes, with a stop at the masker's checkpoint if that lies in them. */
  function hash(bytes: Buffer): void {
    const place = masker.checkpoint();
    const isNew = place.maskedOffset > checkpoint.maskedOffset;
    const stop = isNew ? place.maskedOffset - maskedOffset : 0;
    sha256.update(bytes.subarray(0, stop));
    if (isNew) checkpoint = { ...place, sha256: sha256.state() };
    sha256.update(bytes.subarray(stop));
  }

  function toPiece(bytes: Buffer, writtenAt: number): MaskedPiece {
    const offset = maskedOffset;
    hash(bytes);
    maskedOffset += bytes.length;
    return { offset, bytes, writtenAt };
  }

  async function readRaw(from: number, until: number): Promise<MaskedPiece | undefined> {
    const raw = await follower.read(Math.min(READ_BYTES, until - from));
    fixedOffset = Math.max(fixedOffset, follower.position());
    if (raw.length > 0) return toPiece(masker.push(raw), times.timeOf(from));
    if (!follower.ended() || ended) return undefined;
    ended = true;
    return toPiece(masker.end(), times.timeOf(from));
  }

  async function readNext(): Promise<MaskedPiece | undefined> {
    const from = follower.position();
    const drop = findDrop(from);
    if (drop === undefined || from < drop.from) {
      return readRaw(from, Math.min(times.spanEnd(from, PIECE_SPAN_MS), drop?.from ?? Number.POSITIVE_INFINITY));
    }
    follower.seek(drop.to);
    fixedOffset = Math.max(fixedOffset, drop.to);
    return toPiece(masker.skip(drop.to, drop.notice), times.timeOf(drop.to));
  }

  /** Goes on while all that is read is held back. */
  async function read(): Promise<MaskedPiece | undefined> {
    let piece = await readNext();
    while (piece?.bytes.length === 0) piece = await readNext();
    return piece;
  }

  return {
    read,
    restart,
    maskedOffset: () => maskedOffset,
    ended: () => ended,
    adopt(more) {
      patterns = more;
      masker.adopt(more);
    },
    checkpoint: () => checkpoint,
    rawOffset: () => follower.position(),
    fixedOffset: () => fixedOffset,
    digest: () => sha256.digest(),
  };
}
