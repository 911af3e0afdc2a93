import { sha256Hex } from '@groundcrew/kit';
import type { AttemptId, Phase, StreamEnd } from '@groundcrew/protocol';
import { placeChunk } from '@groundcrew/server/logs/log-stream';
import type { World } from '../world.ts';
import { ServerRefusal } from './refusal.ts';
import { type Stream, streamKey, type Tables } from './tables.ts';

export interface Chunk {
  readonly offset: number;
  readonly content: Buffer;
  readonly checksum: string;
}

const newStream = (attemptId: AttemptId, phase: Phase): Stream => ({
  attemptId,
  phase,
  bytes: Buffer.alloc(0),
  final: undefined,
  whole: false,
});

export const findStream = (tables: Tables, attemptId: AttemptId, phase: Phase): Stream =>
  tables.streams.get(streamKey(attemptId, phase)) ?? newStream(attemptId, phase);

const mismatch = (stored: number, offset: number): ServerRefusal =>
  new ServerRefusal('offset_mismatch', `The log has ${stored} bytes; it does not go on at ${offset}.`, {
    next_offset: stored,
  });

/** The append rule of the server's logs: at the stored length, an overlap only if it is the same, nothing behind the end. */
export function append(tables: Tables, { bugs }: World, key: [AttemptId, Phase], chunk: Chunk): Stream {
  const stream = findStream(tables, ...key);
  if (sha256Hex(chunk.content) !== chunk.checksum)
    throw new ServerRefusal('checksum_mismatch', 'The chunk arrived damaged; send it again.');
  const rest = bugs.appendsAnywhere ? chunk.content : withoutOverlap(stream, chunk);
  if (rest.length === 0) return stream;
  if (stream.whole) throw mismatch(stream.bytes.length, chunk.offset);
  return store(tables, { ...stream, bytes: Buffer.concat([stream.bytes, rest]) });
}

function withoutOverlap({ bytes }: Stream, { offset, content }: Chunk): Buffer {
  const place = placeChunk(bytes.length, offset, content.length);
  if (place.kind === 'hole') throw mismatch(bytes.length, offset);
  const overlap = place.kind === 'known' ? place.overlap : place.skip;
  if (!bytes.subarray(offset, offset + overlap).equals(content.subarray(0, overlap)))
    throw mismatch(bytes.length, offset);
  return content.subarray(overlap);
}

function store(tables: Tables, stream: Stream): Stream {
  const whole = stream.final !== undefined && stream.bytes.length >= stream.final.length;
  const stored = { ...stream, whole };
  tables.streams.set(streamKey(stream.attemptId, stream.phase), stored);
  return stored;
}

/** What the exit record says of a stream; true when everything is stored. */
export const finishStream = (tables: Tables, attemptId: AttemptId, { phase, length, checksum }: StreamEnd): boolean =>
  store(tables, { ...findStream(tables, attemptId, phase), final: { length, checksum } }).whole;
