import type { MaskedPiece } from './masked-reader.ts';

export interface Batch {
  readonly offset: number;
  readonly bytes: Buffer;
  readonly writtenAt: number;
}

/** Masked bytes that the server does not have yet, in order. */
export interface Outbox {
  /** Bytes the server is known to have already are thrown away. */
  put(piece: MaskedPiece): void;
  /** The oldest bytes, `maxBytes` at most, none written more than `maxSpanMs` later than the first. */
  peek(maxBytes: number, maxSpanMs: number): Batch;
  /** The server has everything before this offset. */
  acknowledge(offset: number): void;
  /** Empties the outbox: what comes next begins at or before `offset`, which is where the server stands. */
  reset(offset: number): void;
  /** Masked offset up to which the server has everything. */
  start(): number;
  bytes(): number;
}

export function createOutbox(start: number): Outbox {
  let pieces: MaskedPiece[] = [];
  let from = start;
  let bytes = 0;

  function withoutKnown(piece: MaskedPiece): MaskedPiece {
    const known = Math.min(piece.bytes.length, Math.max(0, from - piece.offset));
    return { ...piece, offset: piece.offset + known, bytes: piece.bytes.subarray(known) };
  }

  function keep(kept: MaskedPiece[]): void {
    pieces = kept.map(withoutKnown).filter((piece) => piece.bytes.length > 0);
    bytes = pieces.reduce((sum, piece) => sum + piece.bytes.length, 0);
  }

  return {
    put: (piece) => keep([...pieces, piece]),
    peek(maxBytes, maxSpanMs) {
      const writtenAt = pieces[0]?.writtenAt ?? 0;
      const late = pieces.findIndex((piece) => piece.writtenAt > writtenAt + maxSpanMs);
      const taken = (late < 0 ? pieces : pieces.slice(0, late)).map((piece) => piece.bytes);
      const bytes = taken.length === 1 ? (taken[0] as Buffer) : Buffer.concat(taken);
      return { offset: from, bytes: bytes.subarray(0, maxBytes), writtenAt };
    },
    acknowledge(offset) {
      from = Math.max(from, offset);
      keep(pieces);
    },
    reset(offset) {
      from = offset;
      keep([]);
    },
    start: () => from,
    bytes: () => bytes,
  };
}
