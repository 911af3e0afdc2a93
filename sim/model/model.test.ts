import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Bounds, SMALL_SCENARIOS } from './bounds.ts';
import { explore } from './explore.ts';
import { MUTANTS } from './mutants/list.ts';
import { applyMutant } from './mutants/mutant.ts';
import { runErrands } from './run-errands.ts';

const [byHand, auto] = SMALL_SCENARIOS as [Bounds, Bounds];
const tiny: Bounds = { ...byHand, ghosts: 0, maxReturns: 1, maxLosses: 1 };
const LIFECYCLE = fileURLToPath(new URL('../../apps/server/src/modules/tasks/lifecycle/', import.meta.url));

describe('the model', () => {
  it('finds nothing wrong, and the same states each time', () => {
    const first = explore(tiny);
    expect(first).toMatchObject({ complete: true, violation: undefined });
    expect(first.states).toBeGreaterThan(400);
    expect(first.ends).toBeGreaterThan(50);
    expect(explore(tiny)).toEqual(first);
  });

  it('says when it was cut off', () => {
    expect(explore(tiny, { maxStates: 100 }).complete).toBe(false);
  });
});

describe('a guard taken out', () => {
  it('stands exactly once in its file, each of them', () => {
    for (const mutant of MUTANTS)
      expect(applyMutant(mutant, readFileSync(`${LIFECYCLE}${mutant.file}`, 'utf8')), mutant.guard).toContain(
        mutant.replace,
      );
    expect(MUTANTS.length).toBeGreaterThanOrEqual(20);
  });

  it.each([
    ['a used permit outlives silence', auto, 'a used permit makes room for another only by'],
    ['an apply ends only with its state', auto, 'no ended apply lacks its last state'],
    ['an ended attempt does not act', auto, ''],
    [
      'a cancel sets the time in which to exit',
      tiny,
      'a way to an end from everywhere: none when the far side is renewing',
    ],
  ])('is missed: %s', async (guard, bounds, property) => {
    const mutant = MUTANTS.find((each) => each.guard === guard);
    expect(mutant).toBeDefined();
    const [outcome] = await runErrands([{ bounds: [bounds], maxStates: 50_000, mutant }], { threads: 1 });
    const violation = outcome?.[0]?.exploration.violation;
    expect(violation?.what).toContain(property);
    expect(violation?.trace.length).toBeGreaterThanOrEqual(3);
    expect(violation?.trace[0]).toBe('offered (task-1)');
  });
});
