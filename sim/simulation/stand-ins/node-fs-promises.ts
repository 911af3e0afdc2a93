import { load } from '../disk/nodes.ts';
import {
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
import type { OpenFile } from '../host/open-file.ts';
import type { Process } from '../world.ts';

// Stands in for `node:fs/promises`. Each system call is an event of its own, so that a process can die between any two.

type Data = string | Uint8Array | AsyncIterable<Uint8Array>;
type Encoding = string | { encoding?: string } | undefined;

const bytesOf = (data: string | Uint8Array): Uint8Array => (typeof data === 'string' ? Buffer.from(data) : data);
/** fsync waits for the platter. */
const SYNC_FACTOR = 10;

/** The kernel may take a write in parts, and a disk may be full between them. */
async function writeAll(file: OpenFile, data: Data): Promise<void> {
  if (typeof data === 'object' && Symbol.asyncIterator in data) {
    for await (const chunk of data) await operation((process) => writeTo(process, file, chunk));
    return;
  }
  const bytes = bytesOf(data);
  const half = bytes.length > 64 ? bytes.length >> 1 : bytes.length;
  await operation((process) => writeTo(process, file, bytes.subarray(0, half)));
  if (half < bytes.length) await operation((process) => writeTo(process, file, bytes.subarray(half)));
}

export class FileHandle {
  readonly #file: OpenFile;
  #closed = false;

  constructor(file: OpenFile) {
    this.#file = file;
  }

  read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesRead: number; buffer: Buffer }> {
    return operation(() => {
      const found = load(fileOf(this.#file), position, length);
      found.copy(buffer, offset);
      return { bytesRead: found.length, buffer };
    });
  }

  write(data: Uint8Array, offset = 0, length = data.length, position?: number): Promise<{ bytesWritten: number }> {
    return operation((process) => ({
      bytesWritten: writeTo(process, this.#file, data.subarray(offset, offset + length), position),
    }));
  }

  readFile(encoding?: Encoding): Promise<Buffer | string> {
    return operation(() => decode(load(fileOf(this.#file)), encoding));
  }

  writeFile(data: Data): Promise<void> {
    return writeAll(this.#file, data);
  }

  stat(): Promise<Figures> {
    return operation(() => figuresOf(this.#file.node));
  }

  chmod(): Promise<void> {
    return operation(() => {});
  }

  sync(): Promise<void> {
    return operation(({ host }) => {
      if (!host.world.bugs.forgetsSync) host.disk.sync(this.#file.node);
    }, SYNC_FACTOR);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await operation(() => this.#file.release());
  }
}

export const open = (path: string, flags = 'r'): Promise<FileHandle> =>
  operation((process) => {
    const file = openAt(process, path, flags);
    process.atExit.add(() => file.release());
    return new FileHandle(file);
  });

function decode(bytes: Buffer, encoding: Encoding): Buffer | string {
  const name = typeof encoding === 'string' ? encoding : encoding?.encoding;
  return name === undefined ? bytes : bytes.toString(name as BufferEncoding);
}

export const readFile = (path: string, encoding?: Encoding): Promise<Buffer | string> =>
  operation((process) => decode(readAt(process, path), encoding));

export async function writeFile(path: string, data: Data, options?: { flag?: string }): Promise<void> {
  const file = await operation((process) => openAt(process, path, options?.flag ?? 'w'));
  try {
    await writeAll(file, data);
  } finally {
    file.release();
  }
}

export const appendFile = (path: string, data: string | Uint8Array): Promise<void> =>
  operation((process) => {
    const file = openAt(process, path, 'a');
    try {
      writeTo(process, file, bytesOf(data));
    } finally {
      file.release();
    }
  });

const onDisk = <T>(act: (disk: Process['host']['disk']) => T): Promise<T> => operation(({ host }) => act(host.disk));

export const mkdir = (path: string, options?: { recursive?: boolean }): Promise<void> =>
  onDisk((disk) => disk.makeFolder(path, options?.recursive ?? false));
export const rename = (from: string, to: string): Promise<void> => onDisk((disk) => disk.rename(from, to));
export const link = (from: string, to: string): Promise<void> => onDisk((disk) => disk.link(from, to));
export const stat = (path: string): Promise<Figures> => operation((process) => figuresAt(process, path));
/** There are no symbolic links in a simulated host. */
export const lstat = (path: string): Promise<Figures> => stat(path);
export const statfs = (): Promise<{ bavail: number; bsize: number }> =>
  onDisk((disk) => ({ bavail: disk.freeBytes(), bsize: 1 }));
export const realpath = (path: string): Promise<string> =>
  operation((process) => {
    figuresAt(process, path);
    return path;
  });
export const access = async (path: string): Promise<void> => void (await realpath(path));
/** There is one user in a simulated host. */
export const chmod = (): Promise<void> => operation(() => {});
export const chown = (): Promise<void> => operation(() => {});

export const rm = (path: string, options: { recursive?: boolean; force?: boolean } = {}): Promise<void> =>
  onDisk((disk) => {
    if (options.force && disk.find(path) === undefined) return;
    disk.remove(path, options.recursive ?? false);
  });

export const readdir = (path: string, options?: ListOptions): Promise<(string | FolderEntry)[]> =>
  operation((process) => listFolder(process, path, options));
