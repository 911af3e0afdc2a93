import { expect, test } from 'vitest';
import { createLatch } from './latch.ts';

test('a wake-up between two waits is not lost, and several count as one', async () => {
  const latch = createLatch();
  latch.wake();
  latch.wake();
  expect(await latch.next(10_000)).toBe(true);
  expect(await latch.next(1)).toBe(false);
});

test('a wake-up ends the wait under way', async () => {
  const latch = createLatch();
  const waiting = latch.next(10_000);
  latch.wake();
  expect(await waiting).toBe(true);
});

test('an abort ends the wait without a wake-up, also one that came before', async () => {
  const leaving = new AbortController();
  const latch = createLatch();
  const waiting = latch.next(10_000, leaving.signal);
  leaving.abort();
  expect(await waiting).toBe(false);
  expect(await latch.next(10_000, leaving.signal)).toBe(false);
});
