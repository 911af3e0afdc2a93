import type { Dice } from '../kernel/dice.ts';
import { type FileNode, type FolderNode, load, type Node, store, truncate } from './nodes.ts';

/** Linux writes back by itself what is older than this. */
const WRITTEN_BACK_MS = 30_000;

/**
 * What a disk holds after a power cut. Of names, each folder keeps what was synced and some first of the changes since; of a
 * file's bytes, what was synced, what was written since, or a part of it. Gives the bytes in use.
 */
export function loseUnsynced(folder: FolderNode, dice: Dice, now: number, seen = new Set<Node>()): number {
  keepNames(folder, dice, now);
  let used = 0;
  for (const node of folder.entries.values()) {
    if (node.kind === 'folder') used += loseUnsynced(node, dice, now, seen);
    else {
      if (!seen.has(node)) keepBytes(node, dice, now);
      seen.add(node);
      used += node.size;
    }
  }
  return used;
}

function keepNames(folder: FolderNode, dice: Dice, now: number): void {
  const { unsynced } = folder;
  const old = unsynced.filter(({ at }) => at < now - WRITTEN_BACK_MS).length;
  const kept = unsynced.slice(0, dice.between(old, unsynced.length));
  folder.entries.clear();
  for (const [name, node] of folder.synced) folder.entries.set(name, node);
  for (const { name, node } of kept) {
    if (node === undefined) folder.entries.delete(name);
    else folder.entries.set(name, node);
  }
  folder.synced = new Map(folder.entries);
  folder.unsynced = [];
}

function keepBytes(file: FileNode, dice: Dice, now: number): void {
  if (file.mtimeMs >= now - WRITTEN_BACK_MS) tear(file, dice);
  file.synced = load(file);
}

function tear(file: FileNode, dice: Dice): void {
  const written = load(file);
  if (written.equals(file.synced)) return;
  const left = dice.pick(['all', 'synced', 'part']);
  if (left === 'all') return;
  const grew = written.subarray(0, file.synced.length).equals(file.synced);
  const part = dice.between(grew ? file.synced.length : 0, written.length);
  const bytes = left === 'synced' ? file.synced : written.subarray(0, part);
  if (bytes.length === written.length && left === 'part') return;
  truncate(file, 0);
  store(file, bytes, 0);
}
