import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileDurably } from '@groundcrew/kit';
import { replaceFile } from '../folder/index.ts';
import { DURABLE_ENTRIES, type Entry, type EntryName, findEntry, JOURNAL_ENTRIES } from './entries.ts';

/** What was done for the attempt, kept so that a successor can go on where this runner ends. One writer: the holder of `lock`. */
export interface Journal {
  readonly dir: string;
  /** Nobody wrote anything here before it was opened. */
  readonly isNew: boolean;
  /** Names of entries that are there but cannot be read; they count as not written. */
  readonly damaged: readonly EntryName[];
  find<N extends EntryName>(name: N): Entry<N> | undefined;
  /** Resolves when the entry is in place; for the durable ones, when it is on disk. */
  write<N extends EntryName>(name: N, entry: Entry<N>): Promise<void>;
}

const isEntryName = (name: string): name is EntryName => Object.hasOwn(JOURNAL_ENTRIES, name);

/** Opens the journal in `dir`, with all that stands in it. */
export async function openJournal(dir: string): Promise<Journal> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const entries = new Map<EntryName, unknown>();
  const damaged: EntryName[] = [];
  const names = await readdir(dir);
  for (const name of names.filter(isEntryName)) {
    const entry = findEntry(name, await readFile(join(dir, name), 'utf8'));
    if (entry === undefined) damaged.push(name);
    else entries.set(name, entry);
  }
  return {
    dir,
    isNew: names.length === 0,
    damaged,
    find: <N extends EntryName>(name: N) => entries.get(name) as Entry<N> | undefined,
    async write(name, entry) {
      const put = DURABLE_ENTRIES.has(name) ? writeFileDurably : replaceFile;
      await put(join(dir, name), `${JSON.stringify(entry)}\n`);
      entries.set(name, entry);
    },
  };
}
