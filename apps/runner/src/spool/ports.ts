import type { Phase } from '@groundcrew/protocol';

/** One piece of a masked log on its way. Fields that stand on the wire are named as there. */
export interface OutgoingChunk {
  readonly phase: Phase;
  /** Place of the first byte in the masked stream. */
  readonly offset: number;
  /** The bytes, compressed when `encoding` says so. */
  readonly content: Buffer;
  readonly encoding?: 'gzip';
  /** SHA-256 in lower-case hex over the bytes as they were before compression. */
  readonly checksum: string;
  /** When the oldest of these bytes was found in the raw file; ISO 8601. */
  readonly written_at: string;
}

/** What the server made of a chunk. */
export type AppendAnswer =
  /** It now has `nextOffset` bytes, perhaps more than this chunk brought. */
  | { readonly kind: 'saved'; readonly nextOffset: number; readonly intervalMs?: number }
  /** The chunk does not go on where the stored log ends, or its overlap differs from what is stored (409). */
  | { readonly kind: 'mismatch'; readonly storedLength: number }
  /** The checksum did not fit; nothing was stored (422). */
  | { readonly kind: 'damaged' }
  /** Any other refusal, `fenced` included: an attempt that has ended still delivers, so the chunk is offered again. */
  | { readonly kind: 'refused'; readonly sentence: string; readonly retryAfterMs?: number };

/**
 * Brings one chunk to the server, once: it does not retry. At most one call per stream is under way. Rejects when there
 * was no answer; must end soon after the signal aborts.
 */
export type AppendLog = (chunk: OutgoingChunk, signal: AbortSignal) => Promise<AppendAnswer>;

/** Length and SHA-256 (lower-case hex) of a whole masked log. */
export interface LogEnd {
  readonly length: number;
  readonly checksum: string;
}

/** What reads the raw bytes as they come, unmasked, such as a reader of progress. It is never kept waiting by the server. */
export interface Tap {
  /** The bytes are valid during the call only. */
  push(chunk: Buffer): void;
  /** Nothing will follow. */
  end(): void;
  /** What a successor needs, JSON. `offset` is the raw offset at which it goes on. */
  snapshot(): TapSnapshot;
}

export interface TapSnapshot {
  readonly offset: number;
}

/** Makes a tap that goes on at the snapshot's offset, or at the start of the file. */
export type CreateTap = (from: TapSnapshot | undefined) => Tap;
