import { expect, test } from 'vitest';
import { systemClock } from './clock.ts';
import { createFakeClock } from './fake-clock.ts';

test('the system clock sleeps at least as long as asked', async () => {
  const before = performance.now();
  await systemClock.sleep(20);
  expect(performance.now() - before).toBeGreaterThanOrEqual(19);
});

test.each([
  ['system', systemClock],
  ['fake', createFakeClock()],
])('a sleep of the %s clock ends with the reason of its signal', async (_, clock) => {
  const leaving = new AbortController();
  const sleep = clock.sleep(1_000_000, leaving.signal);
  leaving.abort(new Error('enough'));
  await expect(sleep).rejects.toThrow('enough');
  await expect(clock.sleep(0, leaving.signal)).rejects.toThrow('enough');
});

test('a sleep longer than the longest timer does not end at once', async () => {
  const leaving = new AbortController();
  const sleep = systemClock.sleep(2 ** 40, leaving.signal).then(
    () => 'woke',
    () => 'aborted',
  );
  await systemClock.sleep(10);
  leaving.abort();
  expect(await sleep).toBe('aborted');
});

test('the fake clock wakes sleepers in order, and those that its wakened ones start', async () => {
  const clock = createFakeClock(1000);
  const woken: string[] = [];
  const sleeper = async (name: string, ms: number) => {
    await clock.sleep(ms);
    woken.push(`${name} at ${clock.now()}`);
  };
  const all = [sleeper('late', 30), sleeper('early', 10).then(() => sleeper('nested', 10)), sleeper('never', 100)];
  expect(clock.sleeping).toBe(3);
  await clock.advance(50);
  expect(woken).toEqual(['early at 1010', 'nested at 1020', 'late at 1030']);
  expect(clock.now()).toBe(1050);
  expect(clock.sleeps).toEqual([30, 10, 100, 10]);
  await clock.advance(50);
  await Promise.all(all);
});
