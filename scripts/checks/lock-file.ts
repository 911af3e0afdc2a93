import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findMissingEntries, type LockFile } from '../lock/index.ts';
import { ROOT } from '../workspaces.ts';

/** Entries without which a fresh clone cannot be installed. */
export function checkLockFile(): string[] {
  const lock: LockFile = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  return Object.keys(findMissingEntries(lock)).map(
    (path) => `package-lock.json has no entry ${path}, and "npm ci" refuses that; run "node scripts/complete-lock.ts".`,
  );
}
