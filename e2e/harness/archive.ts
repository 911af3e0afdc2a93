import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';

/** An entry of an archive, as good or as bad as the test wants it. */
export interface Entry extends Partial<Header> {
  name: string;
  content?: string | Uint8Array;
}

/** A `.tar.gz` of any entries, without a check of anything. */
export async function packEntries(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content, ...given } of entries) {
    const header = { mtime: new Date(0), ...given };
    const hasBody = content !== undefined || (given.type ?? 'file') === 'file';
    if (hasBody) archive.entry(header, Buffer.from(content ?? ''));
    else archive.entry(header);
  }
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) chunks.push(chunk as Uint8Array);
  return gzipSync(Buffer.concat(chunks));
}

/** A `.tar.gz` of files by relative path. */
export const packFiles = (files: Readonly<Record<string, string | Uint8Array>>): Promise<Buffer> =>
  packEntries(Object.entries(files).map(([name, content]) => ({ name, content })));

/** The files of a folder, by relative path. */
export function readFolder(folder: string): Record<string, Buffer> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(paths.map((path) => [relative(folder, path), readFileSync(path)]));
}
