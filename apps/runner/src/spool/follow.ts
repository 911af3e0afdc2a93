import { type FileHandle, open, stat } from 'node:fs/promises';

/**
 * A place in a file that another process appends to. The file itself is the buffer: nothing is read ahead, so whoever
 * stops reading keeps nothing in memory.
 */
export interface Follower {
  /**
   * The next bytes, `maxBytes` at most; none when the end is reached for now. They are valid until the next call. Calls
   * must not overlap.
   */
  read(maxBytes: number): Promise<Buffer>;
  /** Place of the next byte. */
  position(): number;
  seek(position: number): void;
  /** The writer is known to be dead: what is there now is all. */
  finish(): void;
  /** Whether the very last byte has been read. */
  ended(): boolean;
  close(): Promise<void>;
}

/** One read's worth of memory, kept for the next read. */
const BUFFER_BYTES = 256 * 1024;

/** Follows the file at `path` from the byte at `from` on. The file may come into being later. */
export function createFollower(path: string, from: number): Follower {
  const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  let file: FileHandle | undefined;
  let position = from;
  let finished = false;
  let ended = false;

  return {
    async read(maxBytes) {
      // Asked before reading: what the writer wrote before it died is there by then.
      const isLast = finished;
      file ??= await openIfExists(path);
      const wanted = Math.min(maxBytes, BUFFER_BYTES);
      const { bytesRead } = file ? await file.read(buffer, 0, wanted, position) : { bytesRead: 0 };
      position += bytesRead;
      ended = isLast && bytesRead === 0;
      return buffer.subarray(0, bytesRead);
    },
    position: () => position,
    seek(to) {
      position = to;
      ended = false;
    },
    finish() {
      finished = true;
    },
    ended: () => ended,
    async close() {
      await file?.close();
      file = undefined;
    },
  };
}

async function openIfExists(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The file's length; 0 while there is none. */
export async function findSize(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
