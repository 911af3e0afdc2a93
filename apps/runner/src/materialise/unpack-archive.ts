import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Duplex, Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, gunzipSync } from 'node:zlib';
import {
  ARCHIVE_LIMITS,
  findArchiveMistake,
  findEntryMistake,
  isPlanted,
  normaliseEntryName,
} from '@groundcrew/protocol';
import { ConfigurationMistake } from '@groundcrew/terraform';
import { extract, type Header } from 'tar-stream';

/**
 * Unpacks a configuration (`.tar.gz`) into `dir`: regular files and folders only, each below `dir`, within the limits of the
 * protocol. What would change Terraform's behaviour behind our back (state files, `.terraform`, CLI settings) is left out.
 * @throws ConfigurationMistake with a sentence that names the entry; `dir` may hold a part of the archive then.
 */
export async function unpackArchive(archive: Readable | Uint8Array, dir: string): Promise<void> {
  const entries = extract();
  const reading = pipeline([...unzip(archive), entries as unknown as NodeJS.WritableStream]);
  // The loop below is what hears of a failure; it comes here too.
  reading.catch(() => {});
  try {
    await writeEntries(entries as unknown as AsyncIterable<TarEntry>, dir);
    await reading;
  } catch (error) {
    throw explain(error);
  }
}

function unzip(archive: Readable | Uint8Array): (Readable | Duplex)[] {
  if (!(archive instanceof Uint8Array)) return [archive, createGunzip(), limitBytes()];
  const tar = findSmallTar(archive);
  return tar === undefined ? unzip(Readable.from([archive])) : [Readable.from([tar])];
}

/** Unpacks at once what is small, sparing the turns through the thread pool; undefined for everything else, damaged ones too. */
function findSmallTar(archive: Uint8Array): Buffer | undefined {
  try {
    return gunzipSync(archive, { maxOutputLength: SMALL_TAR_BYTES });
  } catch {
    return undefined;
  }
}

const SMALL_TAR_BYTES = 4 * 1024 * 1024;

/** An entry as it comes out of the tar: its bytes, with its header. */
interface TarEntry extends AsyncIterable<Uint8Array> {
  header: Header;
  resume(): unknown;
}

async function writeEntries(entries: AsyncIterable<TarEntry>, dir: string): Promise<void> {
  const totals = { entries: 0, bytes: 0 };
  for await (const entry of entries) {
    const { name, type, size } = entry.header;
    totals.entries += 1;
    totals.bytes += size;
    const mistake =
      findEntryMistake({ name, type: type ?? 'thing of unknown kind', size }) ?? findArchiveMistake(totals);
    if (mistake !== undefined) throw new ConfigurationMistake(mistake);
    const path = normaliseEntryName(name);
    if (path === '' || path === '.' || isPlanted(path)) entry.resume();
    else if (type === 'directory') makeFolder(join(dir, path), entry);
    else await writeEntry(entry, join(dir, path));
  }
}

function makeFolder(path: string, entry: TarEntry): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  entry.resume();
}

async function writeEntry(entry: TarEntry, path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // Scripts for provisioners stay executable, for our user.
  const access = { mode: (entry.header.mode ?? 0) & 0o111 ? 0o700 : 0o600 };
  if ((entry.header.size ?? 0) > AT_ONCE_BYTES) return pipeline(entry, createWriteStream(path, access));
  const chunks: Uint8Array[] = [];
  for await (const chunk of entry) chunks.push(chunk);
  writeFileSync(path, Buffer.concat(chunks), access);
}

/** Files up to this size are written in one go: a turn through the thread pool takes longer than that. */
const AT_ONCE_BYTES = 1024 * 1024;

/** Every entry has a header block and is padded to whole blocks; what is beyond that is a bomb. */
const MAX_TAR_BYTES = ARCHIVE_LIMITS.maxTotalBytes + ARCHIVE_LIMITS.maxEntries * 3 * 512;

function limitBytes(): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      const mistake = bytes > MAX_TAR_BYTES ? findArchiveMistake({ entries: 0, bytes }) : undefined;
      if (mistake === undefined) done(null, chunk);
      else done(new ConfigurationMistake(mistake));
    },
  });
}

const DAMAGED = /^Z_|ERR_STREAM_PREMATURE_CLOSE/;

function explain(error: unknown): unknown {
  if (error instanceof ConfigurationMistake || !(error instanceof Error)) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EISDIR' || code === 'ENOTDIR' || code === 'EEXIST')
    return new ConfigurationMistake('The archive holds a file and a folder of the same name; pack it again.');
  const damaged = DAMAGED.test(code ?? '') || /tar|header|Unexpected end/i.test(error.message);
  return damaged
    ? new ConfigurationMistake(`The archive is damaged (${error.message}); pack and push it again.`)
    : error;
}
