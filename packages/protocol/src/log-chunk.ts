import * as z from 'zod';
import { Checksum, Time } from './common.ts';
import { Phase } from './words.ts';

/** Largest log chunk, uncompressed. */
export const MAX_CHUNK_BYTES = 4 * 1024 * 1024;

/** A piece of masked output at its byte offset; exactly one of `content` (UTF-8) and `content_base64`. */
export const LogChunk = z
  .object({
    phase: Phase,
    offset: z.number().int().nonnegative(),
    content: z.string().optional(),
    content_base64: z.base64().optional(),
    checksum: Checksum,
    /** When the runner read these bytes; default: on arrival. */
    written_at: Time.optional(),
  })
  .refine(
    (c) => (c.content === undefined) !== (c.content_base64 === undefined),
    'give either content or content_base64',
  );
export type LogChunk = z.infer<typeof LogChunk>;

/** The same as {@link LogChunk} with the bytes as raw body; `Content-Encoding: gzip` is accepted, the checksum is over the uncompressed bytes. */
export const LogChunkHeaders = z.object({
  'x-log-phase': Phase,
  'x-log-offset': z.coerce.number().int().nonnegative(),
  'x-content-sha256': Checksum,
  'x-log-written-at': Time.optional(),
});
export const LogChunkAnswer = z.object({
  status: z.literal('saved'),
  next_offset: z.number(),
  saved_bytes: z.number(),
  /** Milliseconds between sends the server would like just now; short while somebody watches. */
  log_interval_ms: z.number().optional(),
});
export type LogChunkAnswer = z.infer<typeof LogChunkAnswer>;
/** `details` of an `offset_mismatch`. */
export const OffsetMismatch = z.object({ next_offset: z.number() });
