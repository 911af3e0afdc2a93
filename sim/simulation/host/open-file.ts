import type { FileNode, Node } from '../disk/nodes.ts';

/** An open file description, shared by every descriptor that was inherited or duplicated from it. flock(2) belongs to it. */
export interface OpenFile {
  readonly node: Node;
  readonly path: string;
  readonly appends: boolean;
  position: number;
  /** One descriptor more. */
  hold(): OpenFile;
  /** One descriptor less; with the last one its lock goes. */
  release(): void;
}

interface Locks {
  exclusive: OpenFile | undefined;
  readonly shared: Set<OpenFile>;
}

const locks = new WeakMap<FileNode, Locks>();

const locksOf = (node: FileNode): Locks => {
  const known = locks.get(node) ?? { exclusive: undefined, shared: new Set() };
  locks.set(node, known);
  return known;
};

export function createOpenFile(node: Node, path: string, appends: boolean): OpenFile {
  let holders = 1;
  const file: OpenFile = {
    node,
    path,
    appends,
    position: 0,
    hold() {
      holders += 1;
      return file;
    },
    release() {
      holders -= 1;
      if (holders === 0) unlock(file);
    },
  };
  return file;
}

/** As flock(2) with LOCK_NB; a lock that is held already is changed to the other kind. */
export function tryLock(file: OpenFile, kind: 'exclusive' | 'shared'): boolean {
  if (file.node.kind !== 'file') return false;
  const held = locksOf(file.node);
  const others = [...held.shared].some((other) => other !== file);
  if (held.exclusive !== undefined && held.exclusive !== file) return false;
  if (kind === 'exclusive' && others) return false;
  unlock(file);
  if (kind === 'exclusive') held.exclusive = file;
  else held.shared.add(file);
  return true;
}

function unlock(file: OpenFile): void {
  if (file.node.kind !== 'file') return;
  const held = locksOf(file.node);
  if (held.exclusive === file) held.exclusive = undefined;
  held.shared.delete(file);
}
