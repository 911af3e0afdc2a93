import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** A disk of its own that can be filled without harm to anybody else. */
export interface SmallDisk {
  readonly folder: string;
  /** Takes every byte there is. */
  fill(): void;
  /** Gives them back. */
  empty(): void;
  /** Synchronous, so that it also works while the process is ending. */
  unmount(): void;
}

/** Room for a few attempts with the 16 MiB that each keeps for its state. */
const SIZE = '192m';

/** Mounts a file system in memory at `folder`; gives the reason as a sentence where the machine does not allow it. */
export function mountSmallDisk(folder: string): SmallDisk | string {
  mkdirSync(folder, { mode: 0o700 });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE},mode=0700`, 'tmpfs', folder], { stdio: 'pipe' });
  } catch (error) {
    const said = (error as { stderr?: Buffer }).stderr?.toString().trim() || (error as Error).message;
    return `no small disk could be mounted: ${said}`;
  }
  const ballast = join(folder, 'ballast');
  return {
    folder,
    fill: () => fill(ballast),
    empty: () => rmSync(ballast, { force: true }),
    unmount: () => void execFileSync('umount', ['--lazy', folder], { stdio: 'ignore' }),
  };
}

function fill(path: string): void {
  const file = openSync(path, 'a', 0o600);
  try {
    for (const size of [1024 * 1024, 4096]) writeUntilFull(file, Buffer.alloc(size));
  } finally {
    closeSync(file);
  }
}

function writeUntilFull(file: number, piece: Buffer): void {
  try {
    while (writeSync(file, piece) === piece.length);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
