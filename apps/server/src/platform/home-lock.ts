import { ftruncateSync, readFileSync, writeSync } from 'node:fs';
import { type FileLock, tryLockFile } from '@groundcrew/kit';

/** A predecessor that was told to leave, or killed, a moment ago may still be on its way out. */
const WAIT_MS = 500;

/**
 * Takes a lock that lets one process alone do something in a home: be its server, run its database. The kernel gives it back
 * however we die.
 */
export async function lockHome(home: string, lockFile: string): Promise<FileLock> {
  const lock = await tryLockFile(lockFile, WAIT_MS);
  if (lock === undefined) throw new Error(inUse(home, readFileSync(lockFile, 'utf8').trim()));
  // For the sentence that the next one gets.
  ftruncateSync(lock.fd, 0);
  writeSync(lock.fd, `${process.pid}\n`);
  return lock;
}

const inUse = (home: string, pid: string): string =>
  `${home} is in use by another Groundcrew server${pid === '' ? '' : ` (process ${pid})`}. Stop that one, or give this one a folder of its own with GROUNDCREW_HOME.`;
