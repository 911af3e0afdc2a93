import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Pack, pack } from 'tar-stream';
import { checkArchiveSize, type FolderEntry, type FolderList } from './list-folder.ts';

/** A folder packed as `.tar.gz` in a file of its own. */
export interface PackedFolder {
  size: number;
  /** SHA-256 in lower-case hex of the archive's bytes. */
  checksum: string;
  open(): NodeJS.ReadableStream & AsyncIterable<Buffer>;
  remove(): Promise<void>;
}

/** Packs what was listed. The same content gives the same bytes: times and owners are left out. */
export async function packFolder(folder: string, { entries }: FolderList): Promise<PackedFolder> {
  const place = await mkdtemp(join(tmpdir(), 'groundcrew-push-'));
  const remove = () => rm(place, { recursive: true, force: true });
  const file = join(place, 'configuration.tar.gz');
  const meter = createMeter();
  const archive = pack();
  try {
    const written = pipeline(archive, createGzip(), meter.stream, createWriteStream(file, { mode: 0o600 }));
    await Promise.all([addAll(archive, folder, entries), written]);
    checkArchiveSize(meter.size());
  } catch (error) {
    await remove();
    throw error;
  }
  return { size: meter.size(), checksum: meter.checksum(), open: () => createReadStream(file), remove };
}

async function addAll(archive: Pack, folder: string, entries: readonly FolderEntry[]): Promise<void> {
  try {
    for (const entry of entries) await add(archive, folder, entry);
    archive.finalize();
  } catch (error) {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

async function add(archive: Pack, folder: string, { name, type, executable }: FolderEntry): Promise<void> {
  const header = { name, type, mtime: new Date(0), mode: type === 'directory' || executable ? 0o755 : 0o644 };
  // Read whole, so that a file that changes meanwhile cannot disagree with the size in its header; the rules bound it.
  const content = type === 'file' ? await readFile(join(folder, name)) : Buffer.alloc(0);
  await new Promise<void>((resolve, reject) => {
    archive.entry({ ...header, size: content.length }, content, (error) => (error ? reject(error) : resolve()));
  });
}

function createMeter() {
  const hash = createHash('sha256');
  let size = 0;
  let digest: string | undefined;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      hash.update(chunk);
      done(null, chunk);
    },
  });
  return {
    stream,
    size: () => size,
    checksum: () => {
      digest ??= hash.digest('hex');
      return digest;
    },
  };
}
