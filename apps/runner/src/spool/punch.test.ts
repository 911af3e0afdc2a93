import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@groundcrew/kit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createPuncher, createReserve, PUNCH_BLOCK_BYTES } from './punch.ts';

const logger = createLogger({ name: 'test', level: 'silent' });
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gc-spool-'));
});

afterEach(() => rm(folder, { recursive: true }));

const onDisk = async (path: string) => (await stat(path)).blocks * 512;

it('gives whole blocks back to the disk and leaves the rest alone', async () => {
  const path = join(folder, 'raw');
  const bytes = Buffer.alloc(3 * PUNCH_BLOCK_BYTES, 'x');
  await writeFile(path, bytes);
  await createPuncher(path, logger).punch(100, 2 * PUNCH_BLOCK_BYTES + 100);
  expect(await onDisk(path)).toBeLessThan(1.1 * PUNCH_BLOCK_BYTES);
  const after = await readFile(path);
  expect(after.length).toBe(bytes.length);
  expect(after.subarray(0, 4096).equals(bytes.subarray(0, 4096))).toBe(true);
  expect(after.subarray(2 * PUNCH_BLOCK_BYTES + 4096).equals(bytes.subarray(2 * PUNCH_BLOCK_BYTES + 4096))).toBe(true);
  expect(after.subarray(4096, 8192).every((byte) => byte === 0)).toBe(true);
});

it('goes on without where that is not possible', async () => {
  const puncher = createPuncher(join(folder, 'missing'), logger);
  await puncher.punch(0, 2 * PUNCH_BLOCK_BYTES);
  await puncher.punch(0, 2 * PUNCH_BLOCK_BYTES);
});

it('keeps room on the disk until it is needed', async () => {
  const path = join(folder, 'reserve');
  const reserve = await createReserve(path, 5_000_000);
  expect(await onDisk(path)).toBeGreaterThanOrEqual(5_000_000);
  const again = await createReserve(path, 5_000_000);
  await again.release();
  await reserve.release();
  expect(await onDisk(path)).toBe(0);
});
