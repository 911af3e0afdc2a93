import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decidePlanLimit,
  type PlanLimit,
  type PlanLimitSample,
  type PlanLimitSettings,
  startPlanLimit,
} from './decide-plan-limit.ts';
import { runFor } from './plan-limit-for-tests.ts';

const share = fc.double({ min: 0, max: 1, noNaN: true });
/** As the configuration takes them: a smoothed figure never quite reaches 0 or 1. */
const threshold = fc.double({ min: 0.01, max: 0.99, noNaN: true });
const thresholds = fc
  .tuple(threshold, threshold)
  .filter(([one, other]) => one !== other)
  .map(([one, other]) => ({ low: Math.min(one, other), high: Math.max(one, other) }));
const settingsOf: fc.Arbitrary<PlanLimitSettings> = fc.record({
  enabled: fc.constant(true),
  max: fc.integer({ min: 1, max: 200 }),
  cpu: thresholds,
  memory: thresholds,
  sustainMs: fc.integer({ min: 5_000, max: 120_000 }),
});
const sampleOf = fc.record({ cpuPressure: share, memory: share, plansRunning: fc.nat(200) });
const gapMs = fc.oneof({ weight: 8, arbitrary: fc.constant(5_000) }, fc.integer({ min: -100_000, max: 100_000 }));
const historyOf = fc.array(fc.tuple(gapMs, sampleOf), { maxLength: 60 });

/** Any state that can be reached. */
function follow(settings: PlanLimitSettings, history: [number, Omit<PlanLimitSample, 'now'>][]): PlanLimit[] {
  const states = [startPlanLimit(settings.max, 0)];
  let now = 0;
  for (const [gap, sample] of history) {
    now += gap;
    states.push(decidePlanLimit(states.at(-1) as PlanLimit, { ...sample, now }, settings));
  }
  return states;
}

test('the limit is always from one to what is configured, and a reason stands there exactly while it is lower', () => {
  fc.assert(
    fc.property(settingsOf, historyOf, (settings, history) => {
      for (const { limit, reason } of follow(settings, history)) {
        expect(limit).toBeGreaterThanOrEqual(1);
        expect(limit).toBeLessThanOrEqual(settings.max);
        expect(Number.isInteger(limit)).toBe(true);
        expect(reason === undefined).toBe(limit === settings.max);
      }
    }),
    { numRuns: 500 },
  );
});

test('a constant load moves it in one direction alone, whatever was before, and then no more', () => {
  fc.assert(
    fc.property(settingsOf, historyOf, sampleOf, (settings, history, load) => {
      const from = follow(settings, history).at(-1) as PlanLimit;
      // What was smoothed in before fades first.
      const settled = runFor(from, 300_000, load, settings).at(-1) as PlanLimit;
      const limits = [settled, ...runFor(settled, 40 * settings.sustainMs, load, settings)].map(({ limit }) => limit);
      const moves = limits.slice(1).map((limit, n) => Math.sign(limit - (limits[n] ?? 0)));
      expect(moves.includes(1) && moves.includes(-1)).toBe(false);
      expect(new Set(limits.slice(-Math.ceil((5 * settings.sustainMs) / 5_000))).size).toBe(1);
    }),
    { numRuns: 60 },
  );
});

test('more load never gives a higher limit', () => {
  fc.assert(
    fc.property(settingsOf, historyOf, sampleOf, share, share, (settings, history, load, cpu, memory) => {
      const from = follow(settings, history).at(-1) as PlanLimit;
      const more = {
        ...load,
        cpuPressure: Math.max(load.cpuPressure, cpu),
        memory: Math.max(load.memory, memory),
      };
      const now = from.at + 5_000;
      const [less, least] = [load, more].map((sample) => decidePlanLimit(from, { ...sample, now }, settings).limit);
      expect(least).toBeLessThanOrEqual(less as number);
    }),
    { numRuns: 1_000 },
  );
});

test('whatever was before, calm brings back all that is configured, and trouble takes it down to one', () => {
  fc.assert(
    fc.property(settingsOf, historyOf, (settings, history) => {
      const from = follow(settings, history).at(-1) as PlanLimit;
      const long = 30 * settings.sustainMs + 600_000;
      const calm = runFor(from, long, { cpuPressure: 0, memory: 0, plansRunning: 200 }, settings);
      expect(calm.at(-1)?.limit).toBe(settings.max);
      const trouble = runFor(from, long, { cpuPressure: 1, memory: 1, plansRunning: 200 }, settings);
      expect(trouble.at(-1)?.limit).toBe(1);
    }),
    { numRuns: 60 },
  );
});
