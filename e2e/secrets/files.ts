import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Place } from './finder.ts';

export interface FoundFile extends Place {
  /** Permissions of the file together with those of the folders above it: what somebody else on the host can do with it. */
  othersMayRead: boolean;
}

/** Every file below a folder, named by its path in there. One that goes away meanwhile is no loss: it was seen before or will be. */
export function readFiles(folder: string): FoundFile[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.flatMap((entry) => {
    const path = join(entry.parentPath, entry.name);
    try {
      return [{ name: relative(folder, path), bytes: readFileSync(path), othersMayRead: isOpen(folder, path) }];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  });
}

/** Whether anybody but the owner may read the file: by its own mode and that of every folder up to `top`. */
function isOpen(top: string, path: string): boolean {
  if ((statSync(path).mode & 0o044) === 0) return false;
  for (let folder = join(path, '..'); folder.length >= top.length; folder = join(folder, '..'))
    if ((statSync(folder).mode & 0o011) === 0) return false;
  return true;
}
