import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openWriteTimes } from './write-times.ts';

let folder: string;
let path: string;
let now: number;
const open = () => openWriteTimes(path, () => now);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gc-spool-'));
  path = join(folder, 'times');
  now = 10_000;
});

afterEach(() => rm(folder, { recursive: true }));

it('knows to about a second when a byte was written', async () => {
  const times = await open();
  times.note(100);
  now += 500;
  times.note(200);
  now += 5_000;
  times.note(300);
  now += 60_000;
  expect([0, 99, 199, 200, 299, 300].map(times.timeOf)).toEqual([10_000, 10_000, 10_000, 15_500, 15_500, 75_500]);
  expect(times.spanEnd(0, 5_000)).toBe(200);
  expect(times.spanEnd(0, 6_000)).toBe(Number.POSITIVE_INFINITY);
  expect(times.spanEnd(300, 0)).toBe(Number.POSITIVE_INFINITY);
});

it('is remembered by a successor, a torn last line left out', async () => {
  const times = await open();
  for (let k = 1; k <= 4; k++) {
    times.note(k * 100);
    now += 2_000;
    await times.save();
    times.forgetBefore(k * 50);
  }
  await appendFile(path, '35');
  expect((await readFile(path, 'latin1')).split('\n')).toHaveLength(4);
  const successor = await open();
  now = 99_000;
  expect([0, 150, 250, 350].map(successor.timeOf)).toEqual([10_000, 12_000, 14_000, 99_000]);
  expect(successor.spanEnd(0, 60_000)).toBe(300);
  successor.note(50);
  successor.note(400);
  expect(successor.spanEnd(0, 600_000)).toBe(Number.POSITIVE_INFINITY);
  expect(successor.timeOf(350)).toBe(99_000);
});
