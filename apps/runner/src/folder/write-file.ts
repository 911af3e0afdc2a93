import { renameSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '@groundcrew/kit';

/**
 * Puts a file in place whole or not at all, as far as the death of processes goes; the machine's death may lose or empty it.
 * For what is worthless without the machine. The rest takes `writeFileDurably`, which waits for the disk.
 */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  writeFileSync(`${path}.new`, content, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Has a file that was put in place before survive the machine's death too. */
export async function makeDurable(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await syncFolder(dirname(path));
}
