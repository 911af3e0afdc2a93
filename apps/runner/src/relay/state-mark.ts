import { open } from 'node:fs/promises';
import { parseStateHeader } from '@groundcrew/terraform';

/** What names a state among all others of its workspace. */
export interface StateName {
  lineage: string;
  serial: number;
}

/** Terraform writes version, serial and lineage before everything else. */
const HEAD_BYTES = 4096;
const LEADING_SCALARS = /^\s*\{(?:\s*"\w+"\s*:\s*(?:"(?:[^"\\]|\\.)*"|-?[\w.+-]+)\s*,)+/;

/** Lineage and serial from the beginning of a state; undefined when they do not stand there before any list or object. */
function findStateName(head: string): StateName | undefined {
  const scalars = LEADING_SCALARS.exec(head)?.[0];
  if (scalars === undefined) return undefined;
  try {
    const { lineage, serial } = JSON.parse(`${scalars.slice(0, -1)}}`) as Record<string, unknown>;
    return typeof lineage === 'string' && typeof serial === 'number' ? { lineage, serial } : undefined;
  } catch {
    return undefined;
  }
}

/** As {@link readStateName}; undefined also when there is no such file. */
export async function findStateOnDisk(path: string): Promise<StateName | undefined> {
  try {
    return await readStateName(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Lineage and serial of the state in a file; undefined when it is none. Reads the whole only if its beginning is unusual. */
export async function readStateName(path: string): Promise<StateName | undefined> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return findStateName(buffer.toString('utf8', 0, bytesRead)) ?? readWhole(await file.readFile());
  } finally {
    await file.close();
  }
}

function readWhole(bytes: Buffer): StateName | undefined {
  try {
    const { lineage, serial } = parseStateHeader(bytes);
    return { lineage, serial };
  } catch {
    return undefined;
  }
}
