import type { AttemptId, TaskId } from '@groundcrew/protocol';
import { expect, test } from 'vitest';
import { countFreeSlots, decideSlot, type HeldAttempt } from './slots.ts';

const held = (count: number): HeldAttempt[] =>
  Array.from({ length: count }, (_, i) => ({
    attemptId: `att-${i}` as AttemptId,
    taskId: `task-${i}` as TaskId,
    action: 'plan',
  }));

test('takes up to its limit', () => {
  expect(decideSlot(held(2), 3, false)).toEqual({ take: true });
  expect(decideSlot(held(3), 3, false)).toEqual({ take: false, reason: 'all 3 slots of the agent are taken' });
  expect(countFreeSlots(held(2), 3, false)).toBe(1);
});
test('re-adopted attempts above the limit never make free slots negative', () =>
  expect(countFreeSlots(held(5), 3, false)).toBe(0));
test('takes nothing while it drains', () => {
  expect(decideSlot([], 3, true)).toMatchObject({ take: false });
  expect(countFreeSlots([], 3, true)).toBe(0);
});
