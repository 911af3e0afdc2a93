import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, statSync } from 'node:fs';

/** A lock on a file, held until released or until this process and whatever inherited `fd` are gone. */
export interface FileLock {
  readonly path: string;
  /** The locked descriptor; a child that inherits it (`stdio`) holds the lock too. Closed on exec otherwise. */
  readonly fd: number;
  release(): void;
}

/**
 * Takes the exclusive lock of a file, made (0600) when missing; undefined when somebody else has it, after waiting `waitMs`.
 *
 * Node has no flock(2). A lock taken by flock(2) belongs to the open file description, not to the process that asked for it, so
 * util-linux's `flock` takes it on a descriptor of ours that it inherits as 3 and then ends; ours goes on holding it. The
 * kernel gives it back however we die.
 */
export async function tryLockFile(path: string, waitMs = 0): Promise<FileLock | undefined> {
  const fd = openSync(path, 'a', 0o600);
  try {
    const wait = waitMs > 0 ? ['-w', String(waitMs / 1000)] : ['-n'];
    // A file that was removed or replaced while we waited guards nothing any more.
    if ((await flock(['-x', ...wait], fd)) && isStillAt(path, fd)) return createLock(path, fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  return undefined;
}

/** Whether somebody holds the file's lock, this process included. A missing file is not locked. */
export async function isLocked(path: string): Promise<boolean> {
  const fd = openIfExists(path);
  if (fd === undefined) return false;
  try {
    // Shared, so that two who look at once do not take each other for the owner.
    return !(await flock(['-s', '-n'], fd));
  } finally {
    closeSync(fd);
  }
}

function createLock(path: string, fd: number): FileLock {
  let held = true;
  return {
    path,
    fd,
    release() {
      if (held) closeSync(fd);
      held = false;
    },
  };
}

/** Runs `flock` on a descriptor; false when the lock was not to be had. */
function flock(args: readonly string[], fd: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env.PATH ?? '/usr/bin:/bin' };
    const child = spawn('flock', [...args, '3'], { env, stdio: ['ignore', 'ignore', 'ignore', fd] });
    child.once('error', (cause) => reject(new Error(explainMissing(), { cause })));
    child.once('exit', (code, signal) => {
      if (code === 0 || code === 1) resolve(code === 0);
      else reject(new Error(`The program "flock" failed on a lock file (${signal ?? `exit code ${code}`}).`));
    });
  });
}

const explainMissing = (): string =>
  process.platform === 'linux'
    ? 'The program "flock" cannot be started. Install util-linux, or put it on PATH.'
    : 'The program "flock" cannot be started. This platform does not bring it; on macOS install it with "brew install flock".';

function openIfExists(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (error instanceof Error && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function isStillAt(path: string, fd: number): boolean {
  const ours = fstatSync(fd);
  const there = statSync(path, { throwIfNoEntry: false });
  return there !== undefined && there.ino === ours.ino && there.dev === ours.dev;
}
