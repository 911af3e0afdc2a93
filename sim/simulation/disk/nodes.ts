/** An inode with bytes. */
export interface FileNode {
  readonly kind: 'file';
  readonly ino: number;
  /** What is written; the file may be longer, and reads as zeros there. */
  bytes: Buffer;
  /** Bytes of `bytes` in use. */
  filled: number;
  size: number;
  /** What a power cut leaves for sure. */
  synced: Buffer;
  mtimeMs: number;
  /** Whoever is told of the next change. */
  readonly watchers: Set<() => void>;
  /** Every byte that was ever appended, holes punched since included; kept for raw logs only. */
  readonly history: Buffer[] | undefined;
}

export interface FolderNode {
  readonly kind: 'folder';
  readonly ino: number;
  readonly entries: Map<string, Node>;
  /** The names that a power cut leaves for sure. */
  synced: Map<string, Node>;
  /** Changes of names since, oldest first: a power cut keeps some first of them. */
  unsynced: { at: number; name: string; node: Node | undefined }[];
  mtimeMs: number;
}

export type Node = FileNode | FolderNode;

export const newFolder = (ino: number, now: number): FolderNode => ({
  kind: 'folder',
  ino,
  entries: new Map(),
  synced: new Map(),
  unsynced: [],
  mtimeMs: now,
});

export const newFile = (ino: number, now: number, keepsHistory: boolean): FileNode => ({
  kind: 'file',
  ino,
  bytes: Buffer.alloc(0),
  filled: 0,
  size: 0,
  synced: Buffer.alloc(0),
  mtimeMs: now,
  watchers: new Set(),
  history: keepsHistory ? [] : undefined,
});

/** Puts bytes at a place, growing the file. */
export function store(file: FileNode, data: Uint8Array, at: number): void {
  const end = at + data.length;
  if (end > file.bytes.length) {
    const grown = Buffer.alloc(Math.max(end, file.bytes.length * 2, 256));
    file.bytes.copy(grown, 0, 0, file.filled);
    file.bytes = grown;
  }
  file.bytes.set(data, at);
  file.filled = Math.max(file.filled, end);
  file.size = Math.max(file.size, end);
}

export function truncate(file: FileNode, size: number): void {
  if (size < file.filled) file.bytes.fill(0, size, file.filled);
  file.filled = Math.min(file.filled, size);
  file.size = size;
}

/** A copy of what stands there. */
export function load(file: FileNode, from = 0, length = file.size): Buffer {
  const wanted = Math.max(0, Math.min(length, file.size - from));
  const found = Buffer.alloc(wanted);
  file.bytes.copy(found, 0, from, Math.min(file.filled, from + wanted));
  return found;
}
