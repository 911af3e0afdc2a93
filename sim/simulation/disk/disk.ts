import type { Dice } from '../kernel/dice.ts';
import { errno } from './errno.ts';
import { type FileNode, type FolderNode, load, type Node, newFile, newFolder, store, truncate } from './nodes.ts';
import { loseUnsynced } from './power-cut.ts';

/** What a host's disk holds, and how much of it would outlive a power cut. */
export interface Disk {
  /** Follows a path; undefined when there is nothing. */
  find(path: string): Node | undefined;
  /** @throws ENOENT, EISDIR */
  file(path: string): FileNode;
  /** @throws ENOENT, ENOTDIR */
  folder(path: string): FolderNode;
  makeFolder(path: string, recursive: boolean): void;
  /** The file at a path, made when missing. @throws EEXIST when `exclusive` and there is one */
  makeFile(path: string, exclusive: boolean): FileNode;
  rename(from: string, to: string): void;
  link(from: string, to: string): void;
  /** Removes a name; with `recursive` a whole tree. @throws ENOENT */
  remove(path: string, recursive: boolean): void;
  /** @throws ENOSPC when nothing of it fits */
  write(file: FileNode, data: Uint8Array, at: number | 'end'): void;
  truncate(file: FileNode, size: number): void;
  sync(node: Node): void;
  freeBytes(): number;
  /** Folders right below `/work/a`, those that are gone included. */
  attemptFolders(): readonly AttemptFolderOnDisk[];
  /** A stranger fills the disk up, or gives all of that back. */
  fill(full: boolean): void;
  /** Loses what was not synced: all of it, a part, or nothing, as the dice say. */
  cutPower(dice: Dice): void;
}

/** An attempt's folder, gone or not. */
interface AttemptFolderOnDisk {
  readonly path: string;
  readonly node: FolderNode;
  /** The power went while it was there. */
  wasCut: boolean;
}

/** Enough for every reserve of every attempt, and no more than a log could fill. */
const CAPACITY_BYTES = 1024 ** 3;
const RAW_LOG = /^raw-/;
const WORK_FOLDER = '/work/a';
const ATTEMPT_FOLDER = /^\/work\/a\/[^/]+$/;

export function createDisk(now: () => number): Disk {
  let inos = 1;
  const root = newFolder(inos++, now());
  let usedBytes = 0;
  let strangersBytes = 0;
  const attemptFolders: AttemptFolderOnDisk[] = [];

  const partsOf = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.');

  function find(path: string): Node | undefined {
    let node: Node | undefined = root;
    for (const part of partsOf(path)) {
      if (node?.kind !== 'folder') return undefined;
      node = node.entries.get(part);
    }
    return node;
  }

  function folder(path: string, call = 'scandir'): FolderNode {
    const found = find(path);
    if (found === undefined) throw errno('ENOENT', call, path);
    if (found.kind !== 'folder') throw errno('ENOTDIR', call, path);
    return found;
  }

  /** The folder that a path lies in, and its name there. */
  function place(path: string, call: string): { parent: FolderNode; name: string } {
    const parts = partsOf(path);
    const name = parts.pop() ?? '';
    return { parent: folder(`/${parts.join('/')}`, call), name };
  }

  function setEntry(parent: FolderNode, name: string, node: Node | undefined): void {
    if (node === undefined) parent.entries.delete(name);
    else parent.entries.set(name, node);
    parent.unsynced.push({ at: now(), name, node });
    parent.mtimeMs = now();
  }

  function forget(node: Node): void {
    if (node.kind === 'folder') for (const child of node.entries.values()) forget(child);
    else usedBytes -= node.size;
  }

  function makeFolder(path: string, recursive: boolean): void {
    const parts = partsOf(path);
    for (let depth = recursive ? 1 : parts.length; depth <= parts.length; depth += 1) {
      const { parent, name } = place(parts.slice(0, depth).join('/'), 'mkdir');
      const known = parent.entries.get(name);
      if (known === undefined) addFolder(parent, `/${parts.slice(0, depth).join('/')}`, name);
      else if (!recursive || known.kind !== 'folder') throw errno('EEXIST', 'mkdir', path);
    }
  }

  function listWorkFolder(): Set<unknown> {
    const folder = find(WORK_FOLDER);
    return new Set(folder?.kind === 'folder' ? folder.entries.values() : []);
  }

  function addFolder(parent: FolderNode, path: string, name: string): void {
    const node = newFolder(inos++, now());
    setEntry(parent, name, node);
    if (ATTEMPT_FOLDER.test(path)) attemptFolders.push({ path, node, wasCut: false });
  }

  function makeFile(path: string, exclusive: boolean): FileNode {
    const { parent, name } = place(path, 'open');
    const known = parent.entries.get(name);
    if (known?.kind === 'folder') throw errno('EISDIR', 'open', path);
    if (known !== undefined && exclusive) throw errno('EEXIST', 'open', path);
    if (known !== undefined) return known;
    const file = newFile(inos++, now(), RAW_LOG.test(name));
    setEntry(parent, name, file);
    return file;
  }

  function tell(file: FileNode): void {
    file.mtimeMs = now();
    for (const watcher of [...file.watchers]) watcher();
  }

  function resize(file: FileNode, size: number): void {
    usedBytes += size - file.size;
    truncate(file, size);
    tell(file);
  }

  return {
    find,
    folder,
    makeFolder,
    makeFile,
    file(path) {
      const found = find(path);
      if (found === undefined) throw errno('ENOENT', 'open', path);
      if (found.kind === 'folder') throw errno('EISDIR', 'read', path);
      return found;
    },
    rename(from, to) {
      const source = place(from, 'rename');
      const node = source.parent.entries.get(source.name);
      if (node === undefined) throw errno('ENOENT', 'rename', from);
      const target = place(to, 'rename');
      const replaced = target.parent.entries.get(target.name);
      if (replaced !== undefined && replaced !== node) forget(replaced);
      setEntry(source.parent, source.name, undefined);
      setEntry(target.parent, target.name, node);
    },
    link(from, to) {
      const node = find(from);
      if (node === undefined) throw errno('ENOENT', 'link', from);
      const { parent, name } = place(to, 'link');
      if (parent.entries.has(name)) throw errno('EEXIST', 'link', to);
      // Two names, one file: counted twice until one of them goes.
      if (node.kind === 'file') usedBytes += node.size;
      setEntry(parent, name, node);
    },
    remove(path, recursive) {
      const { parent, name } = place(path, 'rm');
      const node = parent.entries.get(name);
      if (node === undefined) throw errno('ENOENT', 'rm', path);
      if (node.kind === 'folder' && !recursive) throw errno('EISDIR', 'rm', path);
      forget(node);
      setEntry(parent, name, undefined);
    },
    write(file, data, at) {
      const place = at === 'end' ? file.size : at;
      const growth = Math.max(0, place + data.length - file.size);
      if (growth > 0 && usedBytes + strangersBytes + growth > CAPACITY_BYTES) throw errno('ENOSPC', 'write');
      usedBytes += growth;
      store(file, data, place);
      file.history?.push(Buffer.from(data));
      tell(file);
    },
    truncate: resize,
    sync(node) {
      if (node.kind === 'file') node.synced = load(node);
      else {
        node.synced = new Map(node.entries);
        node.unsynced = [];
      }
    },
    attemptFolders: () => attemptFolders,
    freeBytes: () => Math.max(0, CAPACITY_BYTES - usedBytes - strangersBytes),
    fill(full) {
      strangersBytes = full ? CAPACITY_BYTES - usedBytes : 0;
    },
    cutPower(dice) {
      // Under whatever name: one whose removal was under way has another by then, or is there again afterwards.
      const before = listWorkFolder();
      usedBytes = loseUnsynced(root, dice, now());
      const after = listWorkFolder();
      for (const kept of attemptFolders) kept.wasCut ||= before.has(kept.node) || after.has(kept.node);
    },
  };
}
