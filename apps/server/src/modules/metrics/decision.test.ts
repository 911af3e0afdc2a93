import { describe, expect, test } from 'vitest';
import {
  type Aggregate,
  type Attempt,
  newAttempt,
  newTask,
  newWorkspace,
  type Task,
} from '../tasks/lifecycle/aggregate-for-tests.ts';
import { readDecision } from './decision.ts';

const ATTEMPT = newAttempt({
  id: 'att-1' as Attempt['id'],
  taskId: 'task-1' as Task['id'],
  number: 1,
  epoch: 1,
  agentId: 'agent-1' as Attempt['agentId'],
  action: 'plan_apply',
  offeredAt: 1_000,
  offerExpiresAt: null,
});
const PLAN: NonNullable<Task['plan']> = {
  attemptId: ATTEMPT.id,
  checksum: 'x',
  madeFrom: null,
  hasChanges: true,
  storedAt: 12_000,
  expiresAt: 99_000,
};
const RUNNING = { state: 'running', acceptedAt: 2_000 } as const;

function aggregate(task: Partial<Task>, attempt?: Partial<Attempt>): Aggregate {
  return {
    workspace: newWorkspace('ws-1' as Aggregate['workspace']['id'], { planTimeoutMs: 1, applyTimeoutMs: 1 }),
    task: { ...newTask('task-1' as Task['id'], 'plan_and_apply', true), ...task },
    attempt: attempt && { ...ATTEMPT, ...attempt },
  };
}
const read = (before: Aggregate, after: Aggregate) => readDecision({ event: 'tick', before, after, createdAt: 500 });
const ended = (given: Partial<Attempt> = {}): Partial<Attempt> => ({
  ...RUNNING,
  state: 'ended',
  outcome: 'finished',
  exitedAt: 30_000,
  endedAt: 31_000,
  ...given,
});

describe('phases', () => {
  test.each<[string, Aggregate, Aggregate, unknown[]]>([
    [
      'a plan is done when it is stored',
      aggregate({}, RUNNING),
      aggregate({ plan: PLAN }, RUNNING),
      [{ phase: 'plan', result: 'finished', seconds: 10 }],
    ],
    ['once', aggregate({ plan: PLAN }, RUNNING), aggregate({ plan: PLAN }, RUNNING), []],
    [
      'an apply of its own lasts from its acceptance',
      aggregate({}, { ...RUNNING, action: 'apply', permit: 'used' }),
      aggregate({}, ended({ action: 'apply', permit: 'used' })),
      [{ phase: 'apply', result: 'finished', seconds: 28 }],
    ],
    [
      'an apply after a plan of the same attempt lasts from that',
      aggregate({ plan: PLAN }, { ...RUNNING, permit: 'used' }),
      aggregate({ plan: PLAN }, ended({ permit: 'used' })),
      [{ phase: 'apply', result: 'finished', seconds: 18 }],
    ],
    ['a plan without changes has no apply', aggregate({ plan: PLAN }, RUNNING), aggregate({ plan: PLAN }, ended()), []],
    [
      'an attempt that fell silent lasts to its end, as nothing is known of its exit',
      aggregate({}, RUNNING),
      aggregate({}, ended({ outcome: 'lost', exitedAt: null })),
      [{ phase: 'plan', result: 'lost', seconds: 29 }],
    ],
    [
      'a plan of an earlier attempt belongs to that',
      aggregate({ plan: { ...PLAN, attemptId: 'att-0' as Attempt['id'] } }, RUNNING),
      aggregate({ plan: null }, ended({ outcome: 'failed' })),
      [{ phase: 'plan', result: 'failed', seconds: 28 }],
    ],
    [
      'an offer that was never accepted has none',
      aggregate({}, { state: 'offered' }),
      aggregate({}, ended({ acceptedAt: null, outcome: 'returned', exitedAt: null })),
      [],
    ],
    ['what came after the end counts for nothing', aggregate({}, ended()), aggregate({}, ended()), []],
  ])('%s', (_what, before, after, phases) => expect(read(before, after).phases).toEqual(phases));
});

test('a task starts once, from its creation on', () => {
  const started = aggregate({ startedAt: 2_500 }, RUNNING);
  expect(read(aggregate({}, { state: 'offered' }), started).startSeconds).toBe(2);
  expect(read(started, started).startSeconds).toBeUndefined();
  // The database's clock was put back in between.
  expect(read(aggregate({}), aggregate({ startedAt: 100 })).startSeconds).toBe(0);
});

test('an end and a verdict count when they come, with their reason', () => {
  const reason = { code: 'abandoned', message: 'Nothing is heard of it.' } as const;
  const waiting = aggregate({ status: 'needs_attention', reason });
  expect(read(aggregate({ status: 'running' }), waiting).needsAttention).toBe('abandoned');
  expect(read(waiting, waiting).needsAttention).toBeUndefined();
  const closed = aggregate({ status: 'failed', completedAt: 9_000, reason: { code: 'closed', message: 'Closed.' } });
  expect(read(waiting, closed).taskEnded).toEqual({ type: 'plan_and_apply', status: 'failed', reason: 'closed' });
  expect(read(closed, closed).taskEnded).toBeUndefined();
});
