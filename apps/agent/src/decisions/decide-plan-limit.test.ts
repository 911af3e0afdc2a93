import { describe, expect, test } from 'vitest';
import { decidePlanLimit, type PlanLimit, type PlanLimitSample, startPlanLimit } from './decide-plan-limit.ts';
import { MINUTE_MS, runFor, SETTINGS } from './plan-limit-for-tests.ts';

const CALM = { cpuPressure: 0.1, memory: 0.4 };
const BUSY = { cpuPressure: 0.97, memory: 0.4 };
const FULL = { cpuPressure: 0.1, memory: 0.96 };
const start = (limit: number, reason?: string): PlanLimit => ({ ...startPlanLimit(limit, 0), limit, reason });

describe('after a minute of', () => {
  test.each<[string, Partial<PlanLimitSample>, number, number, number, string | undefined, number]>([
    // load, what it is, max, limit before, plans running, why it was held down, limit after
    ['calm, nothing changes', CALM, 3, 3, 0, undefined, 3],
    ['too little processor, one plan fewer', BUSY, 3, 3, 3, undefined, 2],
    ['too little memory, one plan fewer', FULL, 3, 3, 3, undefined, 2],
    ['trouble that others make, an idle agent takes one at a time', BUSY, 3, 3, 0, undefined, 1],
    ['trouble, nothing beyond what runs', BUSY, 100, 100, 5, undefined, 5],
    ['trouble, a quarter of many', BUSY, 100, 100, 100, undefined, 75],
    ['trouble, never less than one', BUSY, 3, 1, 1, 'held', 1],
    ['calm, one more again', CALM, 3, 1, 0, 'held', 2],
    ['calm, never more than configured', CALM, 3, 3, 3, 'held', 3],
    ['neither, no change', { cpuPressure: 0.75, memory: 0.4 }, 3, 2, 2, 'held', 2],
    [
      'calm processors but memory between the thresholds, no change',
      { cpuPressure: 0, memory: 0.9 },
      3,
      2,
      2,
      'held',
      2,
    ],
  ])('%s', (_what, load, max, before, plansRunning, reason, after) => {
    const settings = { ...SETTINGS, max };
    const [last] = runFor(start(before, reason), 65_000, { ...CALM, ...load, plansRunning }, settings).slice(-1);
    expect(last?.limit).toBe(after);
    expect(last?.reason === undefined).toBe(after === max);
  });
});

test('less than a minute of trouble changes nothing, and a calm moment begins the minute anew', () => {
  const troubled = runFor(start(3), 55_000, { ...BUSY, plansRunning: 3 });
  expect(troubled.at(-1)?.limit).toBe(3);
  const calmed = runFor(troubled.at(-1)!, 20_000, { ...CALM, plansRunning: 3 });
  const again = runFor(calmed.at(-1)!, 55_000, { ...BUSY, plansRunning: 3 });
  expect([...calmed, ...again].map(({ limit }) => limit)).toEqual([...calmed, ...again].map(() => 3));
});

test('the reason names the figure and the threshold, and stays until the next move', () => {
  const states = runFor(start(3), 2 * MINUTE_MS + 30_000, { ...BUSY, plansRunning: 3 });
  const reasons = [...new Set(states.map(({ reason }) => reason))];
  expect(reasons).toEqual([
    undefined,
    '2 of 3 plans at once for now: something waits for a processor 97 % of the time (too much from 90 % on).',
    '1 of 3 plans at once for now: something waits for a processor 97 % of the time (too much from 90 % on).',
  ]);
  const rising = runFor(states.at(-1)!, 2 * MINUTE_MS, { ...CALM, plansRunning: 0 });
  expect(rising.map(({ reason }) => reason)).toContain(
    '2 of 3 plans at once for now: there is room again, and the limit rises step by step.',
  );
  const [full] = runFor(start(3), 65_000, { ...FULL, plansRunning: 3 }).slice(-1);
  expect(full?.reason).toBe('2 of 3 plans at once for now: 96 % of the memory is in use (too much from 92 % on).');
});

test('a new maximum counts at once while nothing holds the limit down, and a lower one always', () => {
  const sample = { now: 5_000, ...CALM, plansRunning: 0 };
  expect(decidePlanLimit(start(3), sample, { ...SETTINGS, max: 10 }).limit).toBe(10);
  expect(decidePlanLimit(start(3), sample, { ...SETTINGS, max: 2 }).limit).toBe(2);
  expect(decidePlanLimit(start(2, 'held'), sample, { ...SETTINGS, max: 10 }).limit).toBe(2);
  expect(decidePlanLimit(start(2, 'held'), sample, { ...SETTINGS, max: 1 })).toMatchObject({
    limit: 1,
    reason: undefined,
  });
});

test('switched off, the limit is what is configured', () => {
  const held = start(1, 'held');
  const off = decidePlanLimit(held, { now: 5_000, ...BUSY, plansRunning: 9 }, { ...SETTINGS, enabled: false });
  expect(off).toMatchObject({ limit: 3, reason: undefined });
});

test('a clock that jumps forwards or back decides nothing by itself', () => {
  const begun = decidePlanLimit(start(3), { now: 1_000, ...BUSY, plansRunning: 3 }, SETTINGS);
  const forward = decidePlanLimit(begun, { now: 1e9, ...BUSY, plansRunning: 3 }, SETTINGS);
  const back = decidePlanLimit(forward, { now: -1e9, ...BUSY, plansRunning: 3 }, SETTINGS);
  expect([begun.limit, forward.limit, back.limit]).toEqual([3, 3, 3]);
});
