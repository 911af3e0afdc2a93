import { link, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { newSecret } from './secrets.ts';

/**
 * Writes a file so that at any moment, power cuts included, its path holds either the old bytes or the new ones, whole. A crash
 * can leave a file named `.<name>.….new` beside it, which nobody reads.
 *
 * @param mode permissions, whatever the process's umask is
 */
export async function writeFileDurably(path: string, data: string | Uint8Array, mode = 0o600): Promise<void> {
  const temporary = await writeBeside(path, data, mode);
  try {
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/**
 * Creates a file with its content in one step, or gives false when there is one already: of any number of callers, in any
 * processes, one gets true, and nobody ever sees the file without its content. (`O_EXCL` alone would show it empty for a
 * moment, or for ever after a crash, so the whole file is linked into place.)
 */
export async function createExclusively(path: string, data: string | Uint8Array, mode = 0o600): Promise<boolean> {
  const temporary = await writeBeside(path, data, mode);
  try {
    await link(temporary, path);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  await syncFolder(dirname(path));
  return true;
}

/** The file's bytes, or undefined when there is none. Any other trouble is thrown. */
export async function readFileIfExists(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Makes new and renamed names of a folder survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Writes and fsyncs a file of a name of its own in the same folder. */
async function writeBeside(path: string, data: string | Uint8Array, mode: number): Promise<string> {
  const temporary = join(dirname(path), `.${basename(path)}.${newSecret(9)}.new`);
  const file = await open(temporary, 'wx', mode);
  try {
    await file.chmod(mode);
    await file.writeFile(data);
    await file.sync();
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return temporary;
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && (error as NodeJS.ErrnoException).code === code;
