import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decideReload } from './decide-reload.ts';

const isHot = (key: string): boolean => key.startsWith('hot') || key.endsWith('.hot');
const present = { hot: [1], cold: 'a', section: { hot: 1, cold: undefined as string | undefined } };

test.each([
  ['nothing', {}, [], []],
  ['a hot list', { hot: [1, 2] }, ['hot'], []],
  ['the same list, written anew', { hot: [1] }, [], []],
  ['a cold key', { cold: 'b' }, [], ['cold']],
  ['keys of a section', { section: { hot: 2, cold: 'x' } }, ['section.hot'], ['section.cold']],
])('%s changes', (_what, change, changed, restartNeeded) => {
  const next = { ...present, ...change };
  const choice = decideReload(present, next, isHot);
  expect(choice).toMatchObject({ changed, restartNeeded });
  expect(choice.configuration.cold).toBe('a');
  expect(choice.configuration.section.cold).toBeUndefined();
  expect(choice.configuration.hot).toEqual(next.hot);
});

test('what needs a restart is told until the file says the old value again', () => {
  const once = decideReload(present, { ...present, cold: 'b' }, isHot);
  expect(decideReload(once.configuration, { ...present, cold: 'b' }, isHot).restartNeeded).toEqual(['cold']);
  expect(decideReload(once.configuration, present, isHot).restartNeeded).toEqual([]);
});

test('every key is wholly old or wholly new, and what changed is exactly what differs', () => {
  const value = fc.oneof(fc.integer(), fc.string(), fc.constant(undefined), fc.array(fc.integer(), { maxLength: 3 }));
  const section = fc.record({ hot: value, cold: value });
  const configuration = fc.record({ hot: value, cold: value, hotter: value, a: section, b: section });
  fc.assert(
    fc.property(configuration, configuration, (ours, theirs) => {
      const choice = decideReload(ours, theirs, isHot);
      for (const [key, old, next, now] of [
        ['hot', ours.hot, theirs.hot, choice.configuration.hot],
        ['cold', ours.cold, theirs.cold, choice.configuration.cold],
        ['a.hot', ours.a.hot, theirs.a.hot, choice.configuration.a.hot],
        ['a.cold', ours.a.cold, theirs.a.cold, choice.configuration.a.cold],
      ] as const) {
        expect(now).toEqual(isHot(key) ? next : old);
        const differs = JSON.stringify(old) !== JSON.stringify(next);
        expect([...choice.changed, ...choice.restartNeeded].includes(key)).toBe(differs);
      }
      // Read once more, nothing hot is left to change.
      expect(decideReload(choice.configuration, theirs, isHot).changed).toEqual([]);
    }),
  );
});
