import { describe, expect, it } from 'vitest';
import { ANN, applyTask, mark, T1 } from './scenario-for-tests.ts';
import { step } from './step.ts';
import { findAggregate } from './world.ts';

describe('what an event is decided about', () => {
  it('an order is refused when the task was read without its open attempt, which it would pass by', () => {
    const s = applyTask().applying();
    const cancel = { kind: 'cancel', level: 1, force: false, by: ANN } as const;
    const old = s.world.attempts[0]?.id;
    for (const read of [
      findAggregate(s.world, { taskId: T1, ...(old && { attemptId: old }) }),
      { ...s.world, task: s.task, attempt: undefined },
    ]) {
      expect(read && step(read, cancel, s.now)).toMatchObject({ refused: true, code: 'not_found' });
      expect(read && step(read, { kind: 'tick' }, s.now)).toMatchObject({ refused: true, code: 'not_found' });
    }
  });

  it('what an attempt says is refused when there is no such attempt', () => {
    const s = applyTask();
    for (const event of [
      { kind: 'renew', stage: null },
      { kind: 'died', proof: 'pod' },
    ] as const) {
      expect(s.refused(event)).toBe('not_found');
    }
  });

  it('an approval is checked against the present state even if nobody told the task that it moved on', () => {
    const s = applyTask().planned();
    const state = { id: 'sv-9' as never, ...mark(9) };
    const aggregate = { workspace: { ...s.workspace, state }, task: s.task, attempt: undefined };
    const approve = { kind: 'approve', planChecksum: 'plan-1', by: ANN } as const;
    expect(step(aggregate, approve, s.now)).toMatchObject({ refused: true, code: 'stale' });
  });

  it('an event that changes nothing gives back the very same aggregate', () => {
    const s = applyTask().assign();
    const aggregate = findAggregate(s.world, { taskId: T1 });
    const result = aggregate && step(aggregate, { kind: 'tick' }, s.now);
    expect(result).toMatchObject({ refused: false, effects: [] });
    expect(result && !result.refused && result.aggregate).toBe(aggregate);
  });
});
