import { tryLockFile } from '@groundcrew/kit';

/**
 * Whether anything still holds the lock `alive`: a launcher, Terraform, or whatever Terraform started. Asks for the lock
 * exclusively, since its holders share it, and gives it back at once.
 */
export async function isAlive(path: string): Promise<boolean> {
  const lock = await tryLockFile(path);
  lock?.release();
  return lock === undefined;
}
