import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { sha256Hex } from '@groundcrew/kit';
import type { Phase } from '@groundcrew/protocol';
import type { Batch } from './outbox.ts';
import type { OutgoingChunk } from './ports.ts';

const compress = promisify(gzip);

/** Below this a request costs more than its bytes. */
const COMPRESS_FROM_BYTES = 1024;
/** What does not shrink to this much of its size is sent as it is. */
const WORTHWHILE = 0.9;

/** Makes a batch ready for the wire, compressed when that is worthwhile. */
export async function packBatch(
  phase: Phase,
  { offset, bytes, writtenAt }: Batch,
  gzipped: boolean,
): Promise<OutgoingChunk> {
  const written_at = new Date(writtenAt).toISOString();
  const chunk = { phase, offset, checksum: sha256Hex(bytes), written_at };
  if (!gzipped || bytes.length < COMPRESS_FROM_BYTES) return { ...chunk, content: bytes };
  // Level 1: terminal output shrinks to a tenth by it; higher levels cost several times as much for little.
  const content = await compress(bytes, { level: 1 });
  return content.length < bytes.length * WORTHWHILE
    ? { ...chunk, content, encoding: 'gzip' }
    : { ...chunk, content: bytes };
}
