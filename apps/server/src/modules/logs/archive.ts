import { createHash } from 'node:crypto';
import { mkdir, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { syncFolder } from '@groundcrew/kit';
import type { Segment } from './log-stream.ts';

/** One gzip member of an archived log: whole segments, about {@link MEMBER_BYTES} of them, or one gap with its marker. */
export interface ArchivedMember {
  /** Offset in the log. */
  offset: number;
  /** Bytes of the log; of a gap more than its content has. */
  length: number;
  gap: boolean;
  /** Place and size in the file. */
  at: number;
  size: number;
  /** The segments it was made of, as [length, written at in milliseconds], so that readers see what they saw before. */
  segments: [number, number][];
}

export interface Archived {
  /** Path below the archive's folder. */
  key: string;
  index: ArchivedMember[];
}

const MEMBER_BYTES = 1024 * 1024;
const zip = promisify(gzip);
const unzip = promisify(gunzip);

/**
 * Finished logs as compressed files: gzip members one after the other, so that any tool reads the whole and we read from any
 * offset by unpacking one member. The index is kept in the database, beside the key.
 */
export function createArchive(dir: string) {
  /** Writes a log durably and holds what was written against what was read; the same log again replaces the same file. */
  async function write(key: string, segments: AsyncIterable<Segment>): Promise<Archived> {
    const path = join(dir, key);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(`${path}.new`, 'w', 0o600);
    const hash = createHash('sha256');
    const index: ArchivedMember[] = [];
    let at = 0;
    try {
      for await (const group of groupSegments(segments)) {
        const content = Buffer.concat(group.map((segment) => segment.content));
        const packed = await zip(content);
        hash.update(content);
        await file.write(packed);
        index.push(toMember(group, at, packed.length));
        at += packed.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    if ((await hashFile(`${path}.new`, index)) !== hash.digest('hex'))
      throw new Error(`The archived log ${key} does not read back as it was written.`);
    await rename(`${path}.new`, path);
    await syncFolder(dirname(path));
    return { key, index };
  }

  /** The segments from the one that holds `offset` on, about `bytes` of them. */
  async function read({ key, index }: Archived, offset: number, bytes: number): Promise<Segment[]> {
    const wanted = index.filter((member) => member.offset + member.length > offset && member.offset < offset + bytes);
    if (wanted.length === 0) return [];
    const file = await open(join(dir, key), 'r');
    try {
      const found: Segment[] = [];
      for (const member of wanted) found.push(...split(member, await readMember(file, member)));
      return found.filter((segment) => segment.offset + segment.length > offset && segment.offset < offset + bytes);
    } finally {
      await file.close();
    }
  }

  return { write, read };
}
export type Archive = ReturnType<typeof createArchive>;

/** Segments in groups of a member's size; a gap stands alone. */
async function* groupSegments(segments: AsyncIterable<Segment>): AsyncGenerator<Segment[]> {
  let group: Segment[] = [];
  let bytes = 0;
  for await (const segment of segments) {
    if (group.length > 0 && (segment.gap || bytes + segment.length > MEMBER_BYTES)) {
      yield group;
      [group, bytes] = [[], 0];
    }
    group.push(segment);
    bytes += segment.gap ? MEMBER_BYTES : segment.length;
  }
  if (group.length > 0) yield group;
}

const toMember = (group: readonly Segment[], at: number, size: number): ArchivedMember => ({
  offset: group[0]?.offset ?? 0,
  length: group.reduce((sum, { length }) => sum + length, 0),
  gap: group[0]?.gap ?? false,
  at,
  size,
  segments: group.map(({ length, writtenAt }) => [length, writtenAt.getTime()]),
});

function split({ offset, gap, segments }: ArchivedMember, content: Buffer): Segment[] {
  let at = 0;
  return segments.map(([length, writtenAt]) => {
    const part = gap ? content : content.subarray(at, at + length);
    const segment = { offset: offset + at, length, gap, content: part, writtenAt: new Date(writtenAt) };
    at += length;
    return segment;
  });
}

type OpenFile = Awaited<ReturnType<typeof open>>;

async function readMember(file: OpenFile, { at, size }: ArchivedMember): Promise<Buffer> {
  const packed = Buffer.alloc(size);
  const { bytesRead } = await file.read(packed, 0, size, at);
  if (bytesRead !== size) throw new Error('An archived log is shorter than its index says.');
  return unzip(packed);
}

async function hashFile(path: string, index: readonly ArchivedMember[]): Promise<string> {
  const file = await open(path, 'r');
  const hash = createHash('sha256');
  try {
    for (const member of index) hash.update(await readMember(file, member));
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}
