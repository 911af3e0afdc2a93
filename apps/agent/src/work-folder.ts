import { ftruncateSync, writeSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, type Logger, readFileIfExists, tryLockFile } from '@groundcrew/kit';

/** An agent that was killed a moment ago may still be on its way out. */
const WAIT_MS = 5_000;
/** How often to look whether the older instance has gone. */
const LOOK_AGAIN_MS = 1_000;
/** Tells an older instance that a newer one has taken over; nothing else sends it. */
export const TAKEN_OVER_SIGNAL = 'SIGUSR2';

export interface WorkFolderOptions {
  /** Start beside an older instance that lives, and take over from it. */
  replace: boolean;
  /** Runners run as other users, who pass through to their own folders and see nothing on the way. */
  isShared: boolean;
  clock: Clock;
  logger: Logger;
  signal: AbortSignal;
}

/** The work folder, which one agent alone works in; or two, while the newer takes over from the older. */
export interface WorkFolder {
  readonly path: string;
  /** True until the older instance has gone; always false without one. */
  readonly olderLives: boolean;
  /** Tells the older instance, if there is one, that everything it holds is held here too. */
  tellOlder(): Promise<void>;
  /** Resolves once this agent is alone. */
  readonly alone: Promise<void>;
}

/** @throws Error with a sentence when another agent works there and is not to be replaced */
export async function takeWorkFolder(path: string, options: WorkFolderOptions): Promise<WorkFolder> {
  await makeFolders(path, options.isShared);
  const lockFile = join(path, 'agent.lock');
  if (await tryLock(lockFile, options.replace ? 0 : WAIT_MS))
    return { path, olderLives: false, tellOlder: async () => {}, alone: Promise.resolve() };
  if (!options.replace)
    throw new Error(
      `Another agent already works in ${path}; stop it, start this one with --replace to take over from it, or give this one another resources.workspace_dir.`,
    );
  return besideOlder(path, lockFile, options);
}

function besideOlder(path: string, lockFile: string, { clock, logger, signal }: WorkFolderOptions): WorkFolder {
  let olderLives = true;
  async function untilAlone(): Promise<void> {
    while (!(await tryLock(lockFile, LOOK_AGAIN_MS))) await clock.sleep(0, signal);
    olderLives = false;
    logger.info('the older instance has gone');
  }
  const alone = untilAlone();
  alone.catch(() => {});
  return {
    path,
    get olderLives() {
      return olderLives;
    },
    alone,
    async tellOlder() {
      const pid = Number((await readFileIfExists(lockFile))?.toString());
      // The lock is held, so its holder lives and the number is its own.
      if (!olderLives || !Number.isInteger(pid) || pid <= 1) return;
      try {
        process.kill(pid, TAKEN_OVER_SIGNAL);
      } catch (error) {
        logger.warn({ err: error, pid }, 'the older instance could not be told; it hears it from the server');
      }
    },
  };
}

/** Held for the life of the process; who holds it stands in it. */
async function tryLock(lockFile: string, waitMs: number): Promise<boolean> {
  const lock = await tryLockFile(lockFile, waitMs);
  if (lock === undefined) return false;
  try {
    ftruncateSync(lock.fd, 0);
    writeSync(lock.fd, `${process.pid}\n`);
    return true;
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function makeFolders(workDir: string, isShared: boolean): Promise<void> {
  for (const path of [workDir, join(workDir, 'a')]) {
    await mkdir(path, { recursive: true, mode: 0o700 });
    if (isShared) await chmod(path, 0o711);
  }
}
