import { chmod, chown, lstat, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256Hex } from '@groundcrew/kit';
import type { Runner } from './run-as.ts';

/** A unix socket's path has at most 107 bytes on Linux, 103 on macOS (`sun_path`); PostgreSQL appends `/.s.PGSQL.5432`. */
const MAX_FOLDER_BYTES = 85;

export interface SocketFolder {
  path: string;
  /** Takes it away again if it lies outside the home. */
  remove(): Promise<void>;
}

/** Where the socket goes: in the home, or in a folder for this home alone below the temporary one when the home is too deep. */
export function chooseSocketFolder(
  homeFolder: string,
  temporaryFolder = tmpdir(),
): { path: string; temporary: boolean } {
  const path = join(homeFolder, 'run');
  if (Buffer.byteLength(path) <= MAX_FOLDER_BYTES) return { path, temporary: false };
  const short = join(temporaryFolder, `groundcrew-${sha256Hex(homeFolder).slice(0, 16)}`);
  if (Buffer.byteLength(short) <= MAX_FOLDER_BYTES) return { path: short, temporary: true };
  throw new Error(
    `Both ${homeFolder} and ${temporaryFolder} are too long for a unix socket; set TMPDIR to a short path.`,
  );
}

/** Makes the folder so that only its owner gets at the socket. */
export async function prepareSocketFolder(homeFolder: string, user: Runner['user']): Promise<SocketFolder> {
  const { path, temporary } = chooseSocketFolder(homeFolder);
  await mkdir(path, { mode: 0o700 }).catch(ignoreExisting);
  await refuseForeign(path, user.uid);
  await chmod(path, 0o700);
  if (user.uid !== undefined) await chown(path, user.uid, user.gid);
  return { path, remove: async () => (temporary ? rm(path, { recursive: true, force: true }) : undefined) };
}

/** Anybody can make a folder below the temporary one; somebody else's would let them answer in PostgreSQL's place. */
async function refuseForeign(path: string, owner: number | undefined): Promise<void> {
  const found = await lstat(path);
  const ours = [process.getuid?.(), owner];
  if (!found.isDirectory() || !ours.includes(found.uid))
    throw new Error(
      `${path} is needed for the database's socket, but it belongs to somebody else. Remove it and start again.`,
    );
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
