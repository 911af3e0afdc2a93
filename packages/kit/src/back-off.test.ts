import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backOffMs, type RetryOptions, retry } from './back-off.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';

test('a pause lies between half and all of its bound and never above the cap', () => {
  const numbers = [
    fc.integer({ min: 1, max: 10_000 }),
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  ] as const;
  fc.assert(
    fc.property(...numbers, (failures, dice) => {
      const pause = backOffMs(failures, { baseMs: 100, capMs: 5000 }, () => dice);
      const bound = Math.min(5000, 100 * 2 ** (failures - 1));
      expect(pause).toBeGreaterThanOrEqual(bound / 2);
      expect(pause).toBeLessThanOrEqual(bound);
    }),
  );
});

const highest = () => 1;
const failing = (times: number) => async (failures: number) => {
  if (failures < times) throw new Error(`failure ${failures + 1}`);
  return failures;
};
const withClock = (clock: FakeClock, more: Partial<RetryOptions> = {}): RetryOptions => ({
  clock,
  random: highest,
  baseMs: 100,
  ...more,
});

test('tries until it succeeds, pausing longer each time up to the cap', async () => {
  const clock = createFakeClock();
  const done = retry(failing(5), withClock(clock, { capMs: 500 }));
  await clock.advance(10_000);
  expect(await done).toBe(5);
  expect(clock.sleeps).toEqual([100, 200, 400, 500, 500]);
});

test('what cannot be helped by trying again is thrown at once', async () => {
  const clock = createFakeClock();
  const isRetryable = (error: unknown) => !(error as Error).message.includes('failure 2');
  const done = expect(retry(failing(5), withClock(clock, { isRetryable }))).rejects.toThrow('failure 2');
  await clock.advance(10_000);
  await done;
  expect(clock.sleeps).toEqual([100]);
});

test('grants a longer wish of the far side, even above the cap, and keeps to its own pause before a shorter one', async () => {
  const clock = createFakeClock();
  const wishes = [60_000, 1];
  const done = retry(failing(2), withClock(clock, { retryAfterMs: () => wishes.shift() }));
  await clock.advance(100_000);
  await done;
  expect(clock.sleeps).toEqual([60_000, 200]);
});

test('an aborted signal ends the pause, and no try follows', async () => {
  const clock = createFakeClock();
  const leaving = new AbortController();
  let tries = 0;
  const forever = async () => {
    tries += 1;
    throw new Error('down');
  };
  const done = expect(retry(forever, withClock(clock, { signal: leaving.signal }))).rejects.toThrow('leaving');
  await clock.advance(0);
  leaving.abort(new Error('leaving'));
  await done;
  expect(tries).toBe(1);
});
