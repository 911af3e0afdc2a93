import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { isLocked } from '@groundcrew/kit';
import type { SocketAddress } from '../database/index.ts';
import { PASSWORD_FILE } from './data-folder.ts';
import { ROLE } from './settings.ts';
import { chooseSocketFolder } from './socket-folder.ts';

/**
 * Where the PostgreSQL of a home is that another process runs; undefined when none runs. It ends with that process, which
 * whoever uses it has to bear. Throws when the home has no database.
 */
export async function findRunningPostgres(homeDir: string): Promise<SocketAddress | undefined> {
  const folder = await realpath(join(homeDir, 'postgres')).catch(() => {
    throw new Error(
      `There is no database in ${homeDir}. Name the home of the server with --home or GROUNDCREW_HOME, or its database with DATABASE_URL.`,
    );
  });
  if (!(await isLocked(join(folder, 'lock')))) return undefined;
  const password = await readFile(join(folder, 'data', PASSWORD_FILE), 'utf8');
  return { host: chooseSocketFolder(folder).path, port: 5432, user: ROLE, password, database: 'postgres' };
}
