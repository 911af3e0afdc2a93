import { dirname } from 'node:path/posix';
import { type ArchiveEntry, findArchiveMistake, findEntryMistake, normaliseEntryName } from '@groundcrew/protocol';

/** Checks the entries of a configuration one after the other. */
export interface EntryChecker {
  /** The first thing wrong with this entry beside those before it, as a sentence, or undefined. */
  findMistake(entry: ArchiveEntry): string | undefined;
  /** Regular files so far. */
  readonly files: number;
}

export function createEntryChecker(): EntryChecker {
  const files = new Set<string>();
  const folders = new Set<string>();
  let entries = 0;
  let bytes = 0;

  /** Two entries that cannot both be unpacked: which of them wins would depend on who unpacks. */
  function findClash(name: string, isFile: boolean): string | undefined {
    const shown = JSON.stringify(name.slice(0, 200));
    const parent = parentsOf(name).find((folder) => files.has(folder));
    if (parent !== undefined)
      return `The archive holds ${shown} below ${JSON.stringify(parent)}, which is a file; rename one of them.`;
    if (isFile && files.has(name)) return `The archive holds ${shown} twice; pack it once.`;
    if (isFile ? folders.has(name) : files.has(name))
      return `The archive holds ${shown} both as a file and as a folder; rename one of them.`;
    return undefined;
  }

  function remember(name: string, isFile: boolean): void {
    if (isFile) files.add(name);
    else if (name !== '') folders.add(name);
    for (const folder of parentsOf(name)) folders.add(folder);
  }

  return {
    findMistake(entry) {
      entries += 1;
      bytes += entry.size;
      const name = normaliseEntryName(entry.name);
      const isFile = entry.type === 'file';
      const mistake = findEntryMistake(entry) ?? findArchiveMistake({ entries, bytes }) ?? findClash(name, isFile);
      if (mistake === undefined) remember(name, isFile);
      return mistake;
    },
    get files() {
      return files.size;
    },
  };
}

/** Every folder above a path, nearest first. */
function parentsOf(name: string): string[] {
  const parents: string[] = [];
  for (let folder = dirname(name); folder !== '.' && folder !== '/'; folder = dirname(folder)) parents.push(folder);
  return parents;
}
