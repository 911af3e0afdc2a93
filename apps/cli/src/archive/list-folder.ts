import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ARCHIVE_LIMITS, findArchiveMistake, findEntryMistake, isPlanted } from '@groundcrew/protocol';
import { CliError } from '../cli-error.ts';
import type { IsIgnored } from './ignore-rules.ts';

/** A file or folder that goes into the archive; names are relative, with slashes. */
export interface FolderEntry {
  name: string;
  type: 'file' | 'directory';
  size: number;
  executable: boolean;
}

export interface FolderList {
  entries: FolderEntry[];
  /** Bytes of all files. */
  bytes: number;
  /** State and CLI settings, which a configuration never brings along. */
  leftOut: string[];
}

/**
 * Everything of a folder that is to be sent, in the order of names, checked by the rules that server and runner check again.
 *
 * @throws CliError that names the first entry which is not accepted
 */
export async function listFolder(folder: string, isIgnored: IsIgnored): Promise<FolderList> {
  const list: FolderList = { entries: [], bytes: 0, leftOut: [] };
  await walk(folder, '', isIgnored, list);
  return list;
}

async function walk(folder: string, prefix: string, isIgnored: IsIgnored, list: FolderList): Promise<void> {
  const children = await readdir(join(folder, prefix), { withFileTypes: true });
  for (const child of children.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = `${prefix}${child.name}`;
    const path = child.isDirectory() ? `${name}/` : name;
    if (isIgnored(path)) continue;
    if (isPlanted(name)) list.leftOut.push(name);
    else await addEntry(folder, name, child, list);
    if (child.isDirectory() && !isPlanted(name)) await walk(folder, path, isIgnored, list);
  }
}

async function addEntry(folder: string, name: string, child: Dirent, list: FolderList): Promise<void> {
  const { size, mode } = await lstat(join(folder, name));
  const type = typeOf(child);
  const bytes = type === 'file' ? size : 0;
  list.bytes += bytes;
  const mistake =
    findEntryMistake({ name, type, size: bytes }) ??
    findArchiveMistake({ entries: list.entries.length + 1, bytes: list.bytes });
  if (mistake !== undefined) throw new CliError(mistake, { code: 'invalid_archive' });
  list.entries.push({ name, type: type as FolderEntry['type'], size: bytes, executable: (mode & 0o100) !== 0 });
}

/** In tar's words, as the rules read them. */
function typeOf(child: Dirent): string {
  if (child.isFile()) return 'file';
  if (child.isDirectory()) return 'directory';
  if (child.isSymbolicLink()) return 'symlink';
  if (child.isFIFO()) return 'fifo';
  return child.isSocket() ? 'socket' : 'device';
}

/** @throws CliError when what is packed is larger than the server takes */
export function checkArchiveSize(bytes: number): void {
  if (bytes > ARCHIVE_LIMITS.maxArchiveBytes)
    throw new CliError(
      `The folder packs to ${bytes} bytes; the server takes ${ARCHIVE_LIMITS.maxArchiveBytes}. List what Terraform does not need in .terraformignore.`,
      { code: 'too_large' },
    );
}
