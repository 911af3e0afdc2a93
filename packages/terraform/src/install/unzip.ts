import { createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Entry, ZipFile } from 'yauzl';
import { InstallError } from './install-error.ts';

/** The binary is about 90 MB; a release archive holds it and a licence or two. */
const LIMITS = { entries: 100, bytes: 1 << 30 };

/**
 * Takes the one file `name` out of an archive into the new file `path`, executable; nothing else of the archive is looked at.
 * @throws InstallError when the archive is broken, lacks the file or is larger than reason.
 */
export async function unzipBinary(archive: string, name: string, path: string, limits = LIMITS): Promise<void> {
  try {
    const { openPromise } = await import('yauzl');
    const zip = await openPromise(archive, { lazyEntries: true, autoClose: false });
    try {
      await extract(zip, await findEntry(zip, name, limits.entries), path, limits.bytes);
    } finally {
      zip.close();
    }
  } catch (error) {
    if (error instanceof InstallError || (error as NodeJS.ErrnoException).syscall !== undefined) throw error;
    throw badArchive(`it is damaged (${(error as Error).message})`, error);
  }
}

async function findEntry(zip: ZipFile, name: string, maxEntries: number): Promise<Entry> {
  if (zip.entryCount > maxEntries) throw badArchive(`it holds ${zip.entryCount} files`);
  for await (const entry of zip.eachEntry()) if (entry.fileName === name) return entry;
  throw badArchive(`it holds no file "${name}"`);
}

const FILE_TYPE = 0o170000;
const REGULAR = 0o100000;

async function extract(zip: ZipFile, entry: Entry, path: string, maxBytes: number): Promise<void> {
  const type = (entry.externalFileAttributes >>> 16) & FILE_TYPE;
  if (type !== 0 && type !== REGULAR) throw badArchive(`"${entry.fileName}" in it is no regular file`);
  if (entry.uncompressedSize > maxBytes)
    throw badArchive(`"${entry.fileName}" in it has ${entry.uncompressedSize} bytes`);
  let seen = 0;
  const counting = new Transform({
    transform(chunk, _encoding, done) {
      seen += chunk.length;
      if (seen <= maxBytes) done(null, chunk);
      else done(badArchive(`"${entry.fileName}" in it has more than ${maxBytes} bytes`));
    },
  });
  await pipeline(
    await zip.openReadStreamPromise(entry),
    counting,
    createWriteStream(path, { flags: 'wx', mode: 0o755, flush: true }),
  );
}

const badArchive = (why: string, cause?: unknown): InstallError =>
  new InstallError('bad_archive', `The downloaded archive is not what it should be: ${why}. Check the mirror.`, {
    cause,
  });
