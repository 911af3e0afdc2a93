import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { syncFolder } from '@groundcrew/kit';
import { readStateName, type StateName } from './state-mark.ts';

/** A state on disk, whole, that Terraform wrote or left behind. */
export interface SpooledState {
  /** Counts the states of the attempt; a later one replaces all before it. */
  sequence: number;
  path: string;
  size: number;
  /** SHA-256 in lower-case hex. */
  checksum: string;
  /** Undefined when the bytes are not a state that we can read. */
  name: StateName | undefined;
}

/** The bytes that arrived are not those that were sent. */
class DamagedState extends Error {
  override name = 'DamagedState';
}

/**
 * Where states wait on disk until the server has them. Only the newest counts, since each one is the whole truth; older ones
 * go as soon as it is safe.
 */
export interface StateSpool {
  newest(): SpooledState | undefined;
  /**
   * Takes a state in; durable once it resolves, and not there at all if it does not.
   * @param md5 the sender's MD5 in base64, if it gave one
   * @throws DamagedState when the bytes do not match it.
   */
  add(body: Readable, md5?: string): Promise<SpooledState>;
  /** The states up to this one are not needed any more, unless it is the newest. */
  drop(sequence: number): Promise<void>;
}

const NAME = /^(\d{6})\.tfstate$/;

/** Opens the spool in `dir` with what an earlier runner left. What arrived only in part does not count. */
export async function openStateSpool(dir: string): Promise<StateSpool> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  let newest = await findNewest(dir);
  let sequence = newest?.sequence ?? 0;

  async function add(body: Readable, md5?: string): Promise<SpooledState> {
    sequence += 1;
    const mine = sequence;
    const incoming = join(dir, `${mine}.incoming`);
    const path = join(dir, `${String(mine).padStart(6, '0')}.tfstate`);
    try {
      const digest = await receive(body, incoming);
      if (md5 !== undefined && md5 !== digest.md5)
        throw new DamagedState('The state did not arrive as it was sent; its MD5 differs.');
      const name = await readStateName(incoming);
      await rename(incoming, path);
      await syncFolder(dir);
      const state = { sequence: mine, path, size: digest.size, checksum: digest.checksum, name };
      if (newest === undefined || newest.sequence < mine) newest = state;
      return state;
    } catch (error) {
      await rm(incoming, { force: true });
      throw error;
    }
  }

  async function drop(upTo: number): Promise<void> {
    for (const old of await listSequences(dir)) {
      if (old <= upTo && old !== newest?.sequence) await rm(join(dir, fileName(old)), { force: true });
    }
  }

  return { newest: () => newest, add, drop };
}

const fileName = (sequence: number): string => `${String(sequence).padStart(6, '0')}.tfstate`;

async function listSequences(dir: string): Promise<number[]> {
  const names = await readdir(dir);
  return names.flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number);
}

async function findNewest(dir: string): Promise<SpooledState | undefined> {
  const sequence = Math.max(...(await listSequences(dir)));
  if (!Number.isFinite(sequence)) return undefined;
  const path = join(dir, fileName(sequence));
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  const { size } = await stat(path);
  return { sequence, path, size, checksum: hash.digest('hex'), name: await readStateName(path) };
}

/** Writes a body to a file and waits until it is on disk. */
async function receive(body: Readable, path: string): Promise<{ size: number; checksum: string; md5: string }> {
  const md5 = createHash('md5');
  const sha256 = createHash('sha256');
  let size = 0;
  async function* measured(): AsyncGenerator<Buffer> {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      md5.update(chunk);
      sha256.update(chunk);
      yield chunk;
    }
  }
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(measured());
    await file.sync();
  } finally {
    await file.close();
  }
  return { size, checksum: sha256.digest('hex'), md5: md5.digest('base64') };
}
