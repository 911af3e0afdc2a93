import { createHash } from 'node:crypto';
import { formatBytes, newId } from '@groundcrew/kit';
import type { OrganizationId } from '@groundcrew/protocol';
import type { Executor } from '../database/index.ts';
import type { Sealer } from '../encryption/index.ts';
import { BlobError } from './blob-error.ts';
import { placeOf } from './sealed-chunks.ts';
import { splitChunks } from './split-chunks.ts';
import * as store from './store.ts';

/** Whose bytes these are. Purpose and subject are bound to them by the encryption. */
interface BlobOwner {
  organizationId: OrganizationId;
  /** `state`, `plan`, `configuration`. */
  purpose: string;
  subjectId: string;
}

interface PutOptions {
  /** Refuses with `too_large` beyond that. */
  maxBytes: number;
  /** Hex; refuses with `checksum` when the bytes have another one. */
  expectedSha256?: string;
}

export interface StoredBlob {
  blobId: string;
  size: number;
  /** Of the plain bytes, in hex. */
  sha256: string;
}

/** Large bytes, sealed, as rows of 1 MiB. No call holds more than a few chunks in memory. */
export interface BlobStore {
  /**
   * Keeps bytes as they come and gives their new id. With the database itself as executor each chunk is stored for itself, so
   * that a slow sender holds no transaction open; a blob that did not come to its end is never found. When it fails, nothing
   * is kept; after a crash {@link BlobStore.sweep} tidies up.
   *
   * Errors: `too_large`, `checksum`, and whatever the source throws.
   */
  put(
    executor: Executor,
    owner: BlobOwner,
    source: AsyncIterable<Uint8Array> | Uint8Array,
    options: PutOptions,
  ): Promise<StoredBlob>;
  /** The bytes from the start. Reading throws `not_found`, or `damaged` at the latest before the end is told. */
  open(executor: Executor, id: string): AsyncIterable<Buffer>;
  /** All of it in one piece, for what is known to be small. Errors as `open`. */
  read(executor: Executor, id: string): Promise<Buffer>;
  /** Does nothing when there is none. Fails as `foreign_key` while a row refers to it. */
  remove(executor: Executor, id: string): Promise<void>;
  /**
   * Removes blobs from before `before` that no row refers to, at most `limit`, and gives how many. Looks at a stretch of them and goes on
   * behind it the next time.
   */
  sweep(executor: Executor, before: Date, limit: number): Promise<number>;
}

const CHUNK_BYTES = 1024 * 1024;
/** Of millions of blobs a sweep looks at so many: all of them would keep the database busy for seconds every time. */
const STRETCH = 20_000;

/** @param stretch how many blobs a sweep looks at */
export function createBlobStore(sealer: Sealer, stretch = STRETCH): BlobStore {
  /** Where the next sweep goes on; a restart begins anew. */
  let sweptUpTo = '';
  async function put(
    executor: Executor,
    owner: BlobOwner,
    source: AsyncIterable<Uint8Array> | Uint8Array,
    options: PutOptions,
  ): Promise<StoredBlob> {
    const blobId = newId('blob');
    const chunks = splitChunks(limited(toStream(source), options.maxBytes), CHUNK_BYTES);
    const first = await chunks.next();
    const second = first.done ? first : await chunks.next();
    if (second.done) return putWhole(executor, blobId, owner, first.value ?? Buffer.alloc(0), options);
    return putParts(executor, blobId, owner, joined([first.value as Buffer, second.value], chunks), options);
  }

  /** What fits into one part, as most does, is stored in one statement. */
  async function putWhole(
    executor: Executor,
    blobId: string,
    owner: BlobOwner,
    content: Buffer,
    { expectedSha256 }: PutOptions,
  ): Promise<StoredBlob> {
    const sha256 = createHash('sha256').update(content).digest('hex');
    refuseOther(sha256, expectedSha256);
    const row = { ...rowOf(blobId, owner), size: content.length, sha256 };
    await store.insertWhole(executor, row, await seal(owner, blobId, 0, content));
    return { blobId, size: content.length, sha256 };
  }

  async function putParts(
    executor: Executor,
    blobId: string,
    owner: BlobOwner,
    chunks: AsyncIterable<Buffer>,
    { expectedSha256 }: PutOptions,
  ): Promise<StoredBlob> {
    await store.insertUnfinished(executor, rowOf(blobId, owner));
    try {
      const content = await putChunks(executor, blobId, owner, chunks);
      refuseOther(content.sha256, expectedSha256);
      await store.finish(executor, blobId, content.size, content.sha256);
      return { blobId, ...content };
    } catch (error) {
      // In a transaction that failed this fails as well, and is not needed.
      await store.deleteBlob(executor, blobId).catch(() => {});
      throw error;
    }
  }

  async function putChunks(executor: Executor, blobId: string, owner: BlobOwner, chunks: AsyncIterable<Buffer>) {
    const hash = createHash('sha256');
    let size = 0;
    let number = 0;
    for await (const chunk of chunks) {
      size += chunk.length;
      hash.update(chunk);
      const content = await seal(owner, blobId, number, chunk);
      await store.insertChunk(executor, owner.organizationId, blobId, number, content);
      number += 1;
    }
    return { size, sha256: hash.digest('hex') };
  }

  const seal = ({ organizationId, purpose, subjectId }: BlobOwner, blobId: string, number: number, chunk: Buffer) =>
    sealer.seal(organizationId, purpose, placeOf(subjectId, blobId, number), chunk);

  async function* open(executor: Executor, id: string): AsyncGenerator<Buffer> {
    // Most blobs are of one part, which is asked for along with the blob.
    const [blob, first] = await Promise.all([store.findBlob(executor, id), store.findChunk(executor, id, 0)]);
    if (blob === undefined) throw new BlobError('not_found', `There is no blob ${id}.`);
    const hash = createHash('sha256');
    let left = blob.size;
    for (let number = 0; left > 0; number += 1) {
      const sealed = number === 0 ? first : await store.findChunk(executor, id, number);
      if (sealed === undefined) throw new BlobError('damaged', `Blob ${id} lacks its part ${number}.`);
      const chunk = await sealer.open(blob.organization_id, blob.purpose, placeOf(blob.subject_id, id, number), sealed);
      left -= chunk.length;
      hash.update(chunk);
      // Before the last bytes go out, so that nobody takes a wrong whole for a right one.
      if (left <= 0 && (left < 0 || hash.digest('hex') !== blob.sha256))
        throw new BlobError('damaged', `Blob ${id} is not what was put.`);
      yield chunk;
    }
  }

  async function read(executor: Executor, id: string): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of open(executor, id)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async function sweep(executor: Executor, before: Date, limit: number): Promise<number> {
    const last = await store.findEndOfStretch(executor, sweptUpTo, stretch);
    const ids = await store.listAbandoned(executor, before, { after: sweptUpTo, last }, limit);
    for (const id of ids) await store.deleteBlob(executor, id);
    if (ids.length < limit) sweptUpTo = last ?? '';
    return ids.length;
  }

  return { put, open, read, remove: store.deleteBlob, sweep };
}

const rowOf = (id: string, { organizationId, purpose, subjectId }: BlobOwner) => ({
  id,
  organization_id: organizationId,
  purpose,
  subject_id: subjectId,
});

async function* joined(first: readonly Buffer[], rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* first;
  yield* rest;
}

/** Passes the bytes on, at most so many. */
async function* limited(source: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const piece of source) {
    size += piece.length;
    if (size > maxBytes)
      throw new BlobError('too_large', `At most ${formatBytes(maxBytes)} may be sent here; there are more.`);
    yield piece;
  }
}

function refuseOther(actual: string, expected: string | undefined): void {
  if (expected === undefined || expected.toLowerCase() === actual) return;
  throw new BlobError(
    'checksum',
    `The bytes have the SHA-256 ${actual}, but ${expected} was announced; nothing was kept. Send them again.`,
  );
}

async function* toStream(source: AsyncIterable<Uint8Array> | Uint8Array): AsyncGenerator<Uint8Array> {
  if (source instanceof Uint8Array) yield source;
  else yield* source;
}
