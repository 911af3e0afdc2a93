import { MAX_STATE_BYTES, type OrganizationId, type StateMark } from '@groundcrew/protocol';
import type { BlobStore } from '../../platform/blobs/index.ts';
import type { Database } from '../../platform/database/index.ts';
import { AppError } from '../../platform/http/index.ts';
import { createStateScanner, type StateHeader, withSerial } from './state-header.ts';

/** Bytes that are kept already, waiting for the decision what they are. */
export interface Kept {
  blobId: string;
  size: number;
  checksum: string;
  header: StateHeader;
}

/** What the life cycle compares states by. */
export const markOf = ({ header, checksum }: Kept): StateMark => ({
  lineage: header.lineage,
  serial: header.serial,
  checksum,
});

/** Bytes of states on their way in. What is kept and then not decided about is swept with other abandoned bytes. */
export function createKeptStates({ db, blobs }: { db: Database; blobs: BlobStore }) {
  /** Keeps the bytes exactly as they came, checking checksum and header in the same pass. */
  async function keep(
    organizationId: OrganizationId,
    subjectId: string,
    bytes: AsyncIterable<Buffer> | Buffer,
    expectedSha256?: string,
  ): Promise<Kept> {
    const scanner = createStateScanner();
    async function* seen() {
      for await (const chunk of Buffer.isBuffer(bytes) ? [bytes] : bytes) {
        scanner.push(chunk);
        yield chunk;
      }
    }
    const blob = await blobs.put(db, { organizationId, purpose: 'state', subjectId }, seen(), {
      maxBytes: MAX_STATE_BYTES,
      ...(expectedSha256 ? { expectedSha256 } : {}),
    });
    const result = scanner.end();
    if ('header' in result)
      return { blobId: blob.blobId, size: blob.size, checksum: blob.sha256, header: result.header };
    await blobs.remove(db, blob.blobId);
    throw new AppError('invalid_state', result.mistake);
  }

  /** The header of bytes that are stored. */
  async function readHeader(blobId: string): Promise<StateHeader> {
    const scanner = createStateScanner();
    for await (const chunk of blobs.open(db, blobId)) scanner.push(chunk);
    const result = scanner.end();
    if ('header' in result) return result.header;
    throw new AppError('invalid_state', result.mistake);
  }

  /** A copy of stored bytes in which nothing but the serial differs, written once. */
  async function copy(
    organizationId: OrganizationId,
    subjectId: string,
    blobId: string,
    serial: number,
    header?: StateHeader,
  ): Promise<Kept> {
    const { serialRange } = header ?? (await readHeader(blobId));
    return keep(organizationId, subjectId, withSerial(blobs.open(db, blobId), serialRange, serial));
  }

  /** The same bytes under another serial; those that came are let go. */
  async function renumber(
    organizationId: OrganizationId,
    subjectId: string,
    kept: Kept,
    serial: number,
  ): Promise<Kept> {
    if (kept.header.serial === serial) return kept;
    const renumbered = await copy(organizationId, subjectId, kept.blobId, serial, kept.header);
    await remove(kept);
    return renumbered;
  }

  const remove = ({ blobId }: Kept): Promise<void> => blobs.remove(db, blobId);

  return { keep, copy, renumber, remove };
}
export type KeptStates = ReturnType<typeof createKeptStates>;
