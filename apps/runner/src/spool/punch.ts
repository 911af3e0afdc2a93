import { open } from 'node:fs/promises';
import { type Logger, run } from '@groundcrew/kit';

/** Gives parts of a file back to the disk; the file keeps its length and reads as zeros there. */
export interface Puncher {
  /** Whole blocks between the two offsets. Does nothing where that is not possible, and says so once. */
  punch(from: number, to: number): Promise<void>;
}

/** Smaller holes are not worth a process. */
export const PUNCH_BLOCK_BYTES = 8 * 1024 * 1024;
/** What file systems give back at least. */
const PAGE_BYTES = 4096;
const TIMEOUT_MS = 60_000;

/** Node has no fallocate(2); util-linux has it as a program. */
export function createPuncher(path: string, logger: Logger): Puncher {
  let isPossible = true;

  async function fallocate(offset: number, length: number): Promise<void> {
    const place = ['--offset', String(offset), '--length', String(length)];
    const argv = ['fallocate', '--punch-hole', '--keep-size', ...place, path] as const;
    const { code, stderr } = await run([...argv], { env: { PATH: process.env.PATH ?? '' }, timeoutMs: TIMEOUT_MS });
    if (code !== 0) throw new Error(stderr.trim());
  }

  return {
    async punch(from, to) {
      const offset = Math.ceil(from / PAGE_BYTES) * PAGE_BYTES;
      const length = Math.floor((to - offset) / PAGE_BYTES) * PAGE_BYTES;
      if (!isPossible || length < PUNCH_BLOCK_BYTES) return;
      try {
        await fallocate(offset, length);
      } catch (error) {
        isPossible = false;
        logger.warn(
          { path, err: error },
          'sent parts of the raw log cannot be given back to the disk; it keeps them all',
        );
      }
    },
  };
}

/** Room on the disk that is kept for what must not be lost when a log has filled it: state and result. */
export interface Reserve {
  /** Gives the room free. */
  release(): Promise<void>;
}

/** Takes the room by a file at `path`; one that is there already is taken over. Without the room it goes on all the same. */
export async function createReserve(path: string, bytes: number): Promise<Reserve> {
  const env = { PATH: process.env.PATH ?? '' };
  const { code } = await run(['fallocate', '--length', String(bytes), path], { env }).catch(() => ({ code: 1 }));
  if (code !== 0) await writeZeros(path, bytes).catch(() => {});
  return {
    async release() {
      const file = await open(path, 'w', 0o600);
      await file.close();
    },
  };
}

async function writeZeros(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w', 0o600);
  const zeros = Buffer.alloc(Math.min(bytes, 1024 * 1024));
  try {
    for (let at = 0; at < bytes; at += zeros.length) await file.write(zeros, 0, Math.min(zeros.length, bytes - at), at);
  } finally {
    await file.close();
  }
}
