import { constants } from 'node:fs';
import { errno } from '../disk/errno.ts';
import { type FileNode, load, type Node } from '../disk/nodes.ts';
import type { Process } from '../world.ts';
import { createOpenFile, type OpenFile } from './open-file.ts';
import { currentProcess } from './process.ts';

export { constants };

/** What a disk operation of a quiet host takes, in milliseconds. */
const OPERATION_MS = { low: 0.02, high: 0.6 };

/** Does a system call after the time that it takes: a process that dies before has not done it, one that dies after has. */
export function operation<T>(act: (process: Process) => T, factor = 1): Promise<T> {
  const process = currentProcess();
  const { dice } = process.host.world;
  const ms = (OPERATION_MS.low + dice.next() * OPERATION_MS.high) * process.host.slowness * factor;
  return new Promise((resolve, reject) => {
    process.after(ms, () => {
      try {
        resolve(act(process));
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** Figures of a file, as `fs.Stats`. */
export interface Figures {
  ino: number;
  dev: number;
  size: number;
  mode: number;
  mtimeMs: number;
  uid: number;
  gid: number;
  isFile(): boolean;
  isDirectory(): boolean;
}

export const figuresOf = (node: Node): Figures => ({
  ino: node.ino,
  dev: 1,
  size: node.kind === 'file' ? node.size : 0,
  mode: node.kind === 'file' ? 0o100600 : 0o40700,
  mtimeMs: node.mtimeMs,
  uid: 0,
  gid: 0,
  isFile: () => node.kind === 'file',
  isDirectory: () => node.kind === 'folder',
});

export function figuresAt({ host }: Process, path: string): Figures {
  const node = host.disk.find(path);
  if (node === undefined) throw errno('ENOENT', 'stat', path);
  return figuresOf(node);
}

/** Opens as open(2) does for Node's flags. */
export function openAt({ host }: Process, path: string, flags: string): OpenFile {
  const { disk } = host;
  const node = flags.startsWith('r') ? disk.find(path) : disk.makeFile(path, flags.includes('x'));
  if (node === undefined) throw errno('ENOENT', 'open', path);
  if (flags.startsWith('w') && node.kind === 'file' && node.size > 0) disk.truncate(node, 0);
  return createOpenFile(node, path, flags.startsWith('a'));
}

export function fileOf({ node, path }: OpenFile): FileNode {
  if (node.kind === 'folder') throw errno('EISDIR', 'read', path);
  return node;
}

/** Gives a process a descriptor for an open file. */
export function describe(process: Process, file: OpenFile): number {
  let descriptor = 3;
  while (process.descriptors.has(descriptor)) descriptor += 1;
  process.descriptors.set(descriptor, file);
  return descriptor;
}

export function descriptorOf(process: Process, descriptor: number): OpenFile {
  const file = process.descriptors.get(descriptor);
  if (file === undefined) throw errno('EBADF', 'fd', String(descriptor));
  return file;
}

export function closeDescriptor(process: Process, descriptor: number): void {
  descriptorOf(process, descriptor).release();
  process.descriptors.delete(descriptor);
}

/** Writes at a place, or where the description stands. */
export function writeTo(process: Process, file: OpenFile, data: Uint8Array, position?: number | null): number {
  const node = fileOf(file);
  const at = file.appends ? 'end' : (position ?? file.position);
  process.host.disk.write(node, data, at);
  if (at !== 'end' && typeof position !== 'number') file.position += data.length;
  return data.length;
}

const PROCESS_STAT = /^\/proc\/(\d+)\/stat$/;

/** The bytes of a file, those that the kernel makes up included. */
export function readAt(process: Process, path: string): Buffer {
  const pid = PROCESS_STAT.exec(path)?.[1];
  if (pid === undefined) return load(process.host.disk.file(path));
  const found = process.host.processes.get(Number(pid));
  if (found === undefined) throw errno('ENOENT', 'open', path);
  return Buffer.from(statLine(found));
}

/** A line of /proc/<pid>/stat, as far as it is read. */
export const statLine = ({ pid, group, startTicks }: Process): string =>
  `${pid} (terraform) S 1 ${group} ${group} ${'0 '.repeat(15)}${startTicks} 0 0\n`;

/** What a folder's listing is asked for. */
export interface ListOptions {
  withFileTypes?: boolean;
  encoding?: string;
}

export interface FolderEntry {
  name: string | Buffer;
  isDirectory(): boolean;
  isFile(): boolean;
}

export function listFolder({ host }: Process, path: string, options: ListOptions = {}): (string | FolderEntry)[] {
  return [...host.disk.folder(path).entries].map(([name, node]) =>
    options.withFileTypes
      ? {
          name: options.encoding === 'buffer' ? Buffer.from(name) : name,
          isDirectory: () => node.kind === 'folder',
          isFile: () => node.kind === 'file',
        }
      : name,
  );
}
