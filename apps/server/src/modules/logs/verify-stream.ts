import { createHash } from 'node:crypto';
import type { Logger } from '@groundcrew/kit';
import type { Segment, StoredStream, StreamKey } from './log-stream.ts';

export interface VerifierDeps {
  findStream: (key: StreamKey) => Promise<StoredStream | undefined>;
  readSegments: (key: StreamKey, offset: number, bytes: number) => Promise<Segment[]>;
  /** False when it was marked before. */
  markDamaged: (key: StreamKey, reason: string) => Promise<boolean>;
  onDamaged: ((stream: StoredStream, sentence: string) => void) | undefined;
  logger: Logger;
}

const READ_BYTES = 4 * 1024 * 1024;

/**
 * Holds streams that are stored to their end against what their exit record names. Every chunk was checked on its way in, so a
 * difference means that a runner cut its log otherwise than it says; nobody waits for the verdict, and streams take turns.
 */
export function createStreamVerifier({ findStream, readSegments, markDamaged, onDamaged, logger }: VerifierDeps) {
  let turn: Promise<void> = Promise.resolve();

  async function check(key: StreamKey): Promise<void> {
    const stream = await findStream(key);
    if (stream === undefined || !stream.whole || stream.incompleteReason !== null) return;
    const sentence = await findDamage(stream, readSegments);
    if (sentence !== undefined && (await markDamaged(key, sentence))) onDamaged?.(stream, sentence);
  }

  return {
    verify(key: StreamKey): void {
      turn = turn
        .then(() => check(key))
        .catch((error) => logger.warn({ err: error, ...key }, 'a log was not verified'));
    },
    settled: (): Promise<void> => turn,
  };
}

/** Why the stored bytes are not those that the exit record names, or undefined. What the size limit cut out cannot be checked. */
async function findDamage(
  stream: StoredStream,
  readSegments: VerifierDeps['readSegments'],
): Promise<string | undefined> {
  const { phase, attempt, length, finalLength, checksum } = stream;
  if (finalLength === null || checksum === null) return undefined;
  if (length !== finalLength)
    return `The ${phase} log of attempt ${attempt} has ${length} bytes, but its exit record names ${finalLength}.`;
  const stored = await hashOf(stream, readSegments);
  if (stored === undefined || stored === checksum) return undefined;
  return `The ${phase} log of attempt ${attempt} has the checksum ${stored}, but its exit record names ${checksum}.`;
}

/** Undefined when a part is missing. */
async function hashOf(stream: StoredStream, readSegments: VerifierDeps['readSegments']): Promise<string | undefined> {
  const hash = createHash('sha256');
  for (let offset = 0; offset < stream.length; ) {
    const segments = await readSegments(stream, offset, READ_BYTES);
    for (const segment of segments) {
      if (segment.gap || segment.offset !== offset) return undefined;
      hash.update(segment.content);
      offset += segment.length;
    }
    if (segments.length === 0) return undefined;
  }
  return hash.digest('hex');
}
