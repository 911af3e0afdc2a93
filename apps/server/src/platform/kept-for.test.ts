import { expect, test } from 'vitest';
import { keptFor } from './kept-for.ts';

function prepare(read: () => Promise<number>, waitMs = 1_000) {
  const failures: unknown[] = [];
  const clock = { ms: 0 };
  const find = keptFor(read, { keepMs: 100, waitMs, onFailure: (error) => failures.push(error), now: () => clock.ms });
  return { failures, clock, find };
}

test('whoever asks at the same time, or soon after, is told the same reading', async () => {
  let reads = 0;
  const { clock, find } = prepare(async () => ++reads);
  expect(await Promise.all([find(), find(), find()])).toEqual([1, 1, 1]);
  clock.ms = 99;
  expect(await find()).toBe(1);
  clock.ms = 100;
  expect(await find()).toBe(2);
});

test('a failure is told as nothing, and tried again no sooner than a success', async () => {
  let reads = 0;
  const { clock, failures, find } = prepare(async () => {
    reads += 1;
    if (reads === 1) throw new Error('away');
    return reads;
  });
  expect([await find(), await find()]).toEqual([undefined, undefined]);
  clock.ms = 100;
  expect(await find()).toBe(2);
  expect(failures).toHaveLength(1);
});

test('a reading that hangs is not waited for, and no second one is begun beside it', async () => {
  let reads = 0;
  const hanging = Promise.withResolvers<number>();
  const { clock, failures, find } = prepare(() => {
    reads += 1;
    return reads === 1 ? hanging.promise : Promise.resolve(reads);
  }, 20);
  expect(await find()).toBeUndefined();
  clock.ms = 1_000;
  expect(await find()).toBeUndefined();
  expect([reads, failures.length]).toEqual([1, 1]);
  hanging.resolve(1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(await find()).toBe(2);
});
