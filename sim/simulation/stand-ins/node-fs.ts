import { EventEmitter } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { errno } from '../disk/errno.ts';
import { load } from '../disk/nodes.ts';
import {
  closeDescriptor,
  constants,
  describe,
  descriptorOf,
  type Figures,
  type FolderEntry,
  figuresAt,
  figuresOf,
  fileOf,
  type ListOptions,
  listFolder,
  openAt,
  operation,
  readAt,
  writeTo,
} from '../host/file-system.ts';
import { currentProcess } from '../host/process.ts';

// Stands in for `node:fs`: the calls that the product makes, on the disk of the host whose process makes them.

export { constants };

const decoded = (bytes: Buffer, encoding: unknown): Buffer | string => {
  const name = typeof encoding === 'string' ? encoding : (encoding as { encoding?: string } | undefined)?.encoding;
  return name === undefined || name === null ? bytes : bytes.toString(name as BufferEncoding);
};

export const readFileSync = (path: string, encoding?: unknown): Buffer | string =>
  decoded(readAt(currentProcess(), path), encoding);

export function statSync(path: string, options?: { throwIfNoEntry?: boolean }): Figures | undefined {
  try {
    return figuresAt(currentProcess(), path);
  } catch (error) {
    if (options?.throwIfNoEntry === false) return undefined;
    throw error;
  }
}

export const fstatSync = (descriptor: number): Figures => figuresOf(descriptorOf(currentProcess(), descriptor).node);
export const existsSync = (path: string): boolean => currentProcess().host.disk.find(path) !== undefined;
export const openSync = (path: string, flags = 'r'): number =>
  describe(currentProcess(), openAt(currentProcess(), path, flags));
export const closeSync = (descriptor: number): void => closeDescriptor(currentProcess(), descriptor);
export const mkdirSync = (path: string, options?: { recursive?: boolean }): void =>
  currentProcess().host.disk.makeFolder(path, options?.recursive ?? false);
export const readdirSync = (path: string, options?: ListOptions): (string | FolderEntry)[] =>
  listFolder(currentProcess(), path, options);
/** There is one user in a simulated host. */
export const fchownSync = (): void => {};
export const chownSync = (): void => {};
export const renameSync = (from: string, to: string): void => currentProcess().host.disk.rename(from, to);

/** Nothing happens between its opening and its writing: whoever calls it dies before or after. */
export function writeFileSync(path: string, data: string | Uint8Array, options?: { flag?: string }): void {
  const process = currentProcess();
  const file = openAt(process, path, options?.flag ?? 'w');
  try {
    writeTo(process, file, typeof data === 'string' ? Buffer.from(data) : data);
  } finally {
    file.release();
  }
}

export function ftruncateSync(descriptor: number, length = 0): void {
  const process = currentProcess();
  process.host.disk.truncate(fileOf(descriptorOf(process, descriptor)), length);
}

export function rmSync(path: string, options: { recursive?: boolean; force?: boolean } = {}): void {
  const { disk } = currentProcess().host;
  if (options.force && disk.find(path) === undefined) return;
  disk.remove(path, options.recursive ?? false);
}

export function writeSync(
  descriptor: number,
  data: string | Uint8Array,
  offset = 0,
  length?: number,
  position: number | null = null,
): number {
  const process = currentProcess();
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  const part = bytes.subarray(offset, length === undefined ? undefined : offset + length);
  return writeTo(process, descriptorOf(process, descriptor), part, position);
}

const READ_BYTES = 64 * 1024;

export function createReadStream(path: string): Readable {
  const process = currentProcess();
  let at = 0;
  const readMore = (stream: Readable) =>
    operation(({ host }) => {
      const bytes = load(host.disk.file(path), at, READ_BYTES);
      at += bytes.length;
      stream.push(bytes.length === 0 ? null : bytes);
    }).catch((error: Error) => stream.destroy(error));
  return new Readable({
    read() {
      void process.run(() => readMore(this));
    },
  });
}

export function createWriteStream(path: string): Writable {
  const process = currentProcess();
  const opened = operation((owner) => openAt(owner, path, 'w'));
  opened.catch(() => {});
  const act = (task: () => Promise<unknown>, done: (error?: Error) => void) =>
    void process.run(() => task().then(() => done(), done));
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      act(async () => {
        const file = await opened;
        await operation((owner) => writeTo(owner, file, chunk));
      }, done);
    },
    final(done) {
      act(async () => (await opened).release(), done);
    },
  });
}

/** inotify on one file. @throws ENOENT */
export function watch(path: string, _options: object, listener: () => void): FSWatcher {
  const process = currentProcess();
  const node = process.host.disk.find(path);
  if (node === undefined) throw errno('ENOENT', 'watch', path);
  return new FSWatcher(fileOf({ node, path } as Parameters<typeof fileOf>[0]).watchers, () =>
    process.after(0.05, listener),
  );
}

export class FSWatcher extends EventEmitter {
  readonly #watchers: Set<() => void>;
  readonly #listener: () => void;

  constructor(watchers: Set<() => void>, listener: () => void) {
    super();
    this.#watchers = watchers;
    this.#listener = listener;
    watchers.add(listener);
  }

  close(): void {
    this.#watchers.delete(this.#listener);
  }
}
