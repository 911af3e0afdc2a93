import { isTerminal } from '@groundcrew/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Instant } from './aggregate.ts';
import type { Decision, Refusal } from './change.ts';
import { nextDeadline } from './deadlines.ts';
import { everything, type Happening, onward } from './events-for-tests.ts';
import { findViolations } from './move-invariants.ts';
import { ANN, emptyWorld, HOUR, MINUTE, SECOND, T1, T2 } from './scenario-for-tests.ts';
import type { WorkspaceDecision } from './step-workspace.ts';
import { findAggregate, stepFence, stepTask, type Target, type World } from './world.ts';

interface Result {
  readonly world: World;
  readonly result: Decision<unknown> | WorkspaceDecision<unknown> | Refusal;
}

/** Lets it happen and checks what came of it. */
function happen(world: World, happening: Happening, now: Instant): Result {
  const moved =
    happening.to === 'workspace'
      ? stepFence(world, happening.event, now)
      : stepTask(world, targetOf(world, happening), happening.event, now);
  if (!moved) throw new Error('no such task');
  const violations = findViolations(world, moved.world);
  if (violations.length > 0) throw new Error(`${JSON.stringify(happening)}\n${violations.join('\n')}`);
  if (moved.result.refused && moved.world !== world)
    throw new Error(`${happening.event.kind}: a refusal changed the world`);
  return moved;
}

const targetOf = (world: World, { task, attemptId }: Extract<Happening, { to: 'task' }>): Target => ({
  taskId: world.tasks[task]?.id ?? T1,
  ...(attemptId && { attemptId }),
});

const WAITS = [
  0,
  1,
  SECOND,
  11 * SECOND,
  31 * SECOND,
  61 * SECOND,
  2 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  HOUR,
  6 * HOUR,
  8 * 24 * HOUR,
];

/** One move of a random run: mostly onward, so that deep states are met, else anything at all, after some time. */
const move = fc.record({
  onward: fc.integer({ min: 0, max: 9 }).map((n) => n < 5),
  task: fc.integer({ min: 0, max: 1 }),
  pick: fc.nat(),
  wait: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.constantFrom(...WAITS) },
    { weight: 2, arbitrary: fc.constant('deadline' as const) },
  ),
});
type Move = typeof move extends fc.Arbitrary<infer M> ? M : never;

const start = fc
  .record({ auto: fc.tuple(fc.boolean(), fc.boolean()), plan: fc.tuple(fc.boolean(), fc.constant(false)) })
  .map(({ auto, plan }) =>
    emptyWorld([
      { id: T1, type: plan[0] ? 'plan' : 'plan_and_apply', autoApprove: auto[0] },
      { id: T2, type: plan[1] ? 'plan' : 'plan_and_apply', autoApprove: auto[1] },
    ]),
  );

interface Point {
  readonly world: World;
  readonly now: Instant;
}

const deadlines = (world: World): Instant[] =>
  world.tasks.flatMap((task) => {
    const aggregate = findAggregate(world, { taskId: task.id });
    return (aggregate && nextDeadline(aggregate)) ?? [];
  });

const later = ({ world, now }: Point, wait: Move['wait']): Instant =>
  wait === 'deadline'
    ? Math.max(now, Math.min(...deadlines(world), Number.MAX_SAFE_INTEGER)) % Number.MAX_SAFE_INTEGER || now
    : now + wait;

function choose(world: World, { onward: wellBehaved, task, pick, wait }: Move): Happening | undefined {
  if (wait === 'deadline') return { to: 'task', task, attemptId: undefined, event: { kind: 'tick' } };
  const all = everything(world);
  return (wellBehaved ? onward(world, task) : undefined) ?? all[pick % all.length];
}

/** Runs the moves, visiting every point on the way. */
function run(
  world: World,
  moves: readonly Move[],
  visit: (point: Point, happening: Happening, result: Result) => void,
): Point {
  let point: Point = { world, now: 1_000_000 };
  for (const next of moves) {
    const now = later(point, next.wait);
    const happening = choose(point.world, next);
    if (!happening) continue;
    const result = happen(point.world, happening, now);
    visit({ world: point.world, now }, happening, result);
    point = { world: result.world, now };
  }
  return point;
}

const runs = (count: number): fc.Parameters<[World, Move[]]> => ({
  numRuns: count,
  ...(process.env.SEED ? { seed: Number(process.env.SEED) } : {}),
});
const moves = fc.array(move, { minLength: 10, maxLength: 60 });

/** Where a world is, whatever the hour. */
const shapeOf = ({ workspace, tasks, attempts }: World): string =>
  JSON.stringify([
    [workspace.hold, workspace.lock !== null, workspace.permit, workspace.marks.length, workspace.undecided.length > 0],
    tasks.map((t) => [
      t.type,
      t.status,
      t.phase,
      t.cancelLevel,
      t.plan !== null,
      t.approval?.voidedAt ?? t.approval !== null,
      t.reason?.code,
      t.losses,
    ]),
    attempts
      .filter((a) => a.state !== 'ended')
      .map((a) => [
        a.action,
        a.state,
        a.permit,
        a.sentAt !== null,
        a.finish !== null,
        a.interrupted,
        a.stopBy !== null,
        a.states.length > 0,
      ]),
  ]);

describe('step', () => {
  it('keeps every invariant whatever happens, in whatever order and at whatever time', () => {
    fc.assert(
      fc.property(start, moves, (world, chosen) => {
        run(world, chosen, () => {});
      }),
      runs(3000),
    );
  });

  it('answers every event in every state it meets without an exception', () => {
    const seen = new Set<string>();
    let events = 0;
    fc.assert(
      fc.property(start, moves, (world, chosen) => {
        run(world, chosen, ({ world: before, now }) => {
          const shape = shapeOf(before);
          if (seen.has(shape)) return;
          seen.add(shape);
          for (const happening of everything(before)) {
            events += 1;
            happen(before, happening, now);
          }
        });
      }),
      runs(300),
    );
    expect(seen.size).toBeGreaterThan(500);
    expect(events).toBeGreaterThan(50_000);
  });

  it('reaches every status, outcome, permit and reason', () => {
    const met = new Set<string>();
    fc.assert(
      fc.property(start, moves, (world, chosen) => {
        const { world: end } = run(world, chosen, ({ world: at }) => note(met, at));
        note(met, end);
      }),
      { numRuns: 1500, seed: 7 },
    );
    const words = [
      'pending',
      'running',
      'awaiting_approval',
      'success',
      'applied',
      'failed',
      'cancelled',
      'needs_attention',
    ];
    const outcomes = ['finished', 'failed', 'cancelled', 'returned', 'lost', 'closed'].map((o) => `outcome ${o}`);
    const reasons = [
      'cancelled',
      'discarded',
      'timed_out',
      'plan_stale',
      'interrupted',
      'abandoned',
      'stuck',
      'state_missing',
      'closed',
      'restored',
      'too_many_losses',
      'init_error',
    ].map((r) => `reason ${r}`);
    expect([...met]).toEqual(
      expect.arrayContaining([...words, ...outcomes, ...reasons, 'permit live', 'permit used', 'permit withdrawn']),
    );
  });

  it('takes the same event twice without doing anything twice', () => {
    fc.assert(
      fc.property(start, moves, (world, chosen) => {
        run(world, chosen, repeat);
      }),
      runs(600),
    );
  });

  it('is a function: the same input gives the same output, and its input is left as it was', () => {
    fc.assert(
      fc.property(start, moves, (world, chosen) => {
        run(world, chosen, ({ world: before, now }, happening, { world: after }) => {
          const copy = structuredClone(before);
          expect(happen(copy, happening, now).world).toEqual(after);
          expect(copy).toEqual(before);
        });
      }),
      runs(100),
    );
  });

  for (const farSide of ['silent', 'renewing'] as const) {
    it(`leaves a way to an end from everywhere, also when the far side is ${farSide} for ever`, () => {
      fc.assert(
        fc.property(start, moves, (world, chosen) => {
          const end = drive(
            run(world, chosen, () => {}),
            farSide,
          );
          expect(end.world.tasks.map((task) => isTerminal(task.status))).toEqual([true, true]);
          expect(end.world.workspace).toMatchObject({ hold: null, permit: null });
        }),
        runs(400),
      );
    });
  }
});

/** Kinds that people or networks may well send twice. Of the others each is a new one: a renewal, a higher cancel, another push. */
const TWICE = new Set<string>([
  ...['accept', 'reject', 'stage', 'return', 'plan_stored', 'permit_asked', 'lock_arrived'],
  ...['finish', 'log_in', 'state_posted', 'died', 'never_started'],
  ...['mark_sent', 'approve', 'discard', 'close', 'restored', 'tick', 'state_moved_on', 'quarantine_arrived'],
  ...['lock', 'discard_quarantined'],
]);
const SAME_ANSWER = new Set<string>(['accept', 'permit_asked', 'finish', 'lock_arrived']);
/** Deliveries are never turned away for having come before. */
const TAKEN_AGAIN = new Set<string>(['finish', 'state_posted', 'log_in', 'died']);

function repeat({ now }: Point, happening: Happening, first: Result): void {
  const { kind } = happening.event;
  if (first.result.refused || !TWICE.has(kind)) return;
  const second = happen(first.world, happening, now);
  expect(second.world).toEqual(first.world);
  if (TAKEN_AGAIN.has(kind)) expect(second.result.refused).toBe(false);
  if (second.result.refused) return;
  if (SAME_ANSWER.has(kind)) expect(second.result.answer).toEqual(first.result.answer);
  if (kind === 'state_posted') expect(second.result.answer).toMatchObject({ again: true });
}

function note(met: Set<string>, { tasks, attempts }: World): void {
  for (const task of tasks) met.add(task.status).add(`reason ${task.reason?.code}`);
  for (const attempt of attempts) met.add(`outcome ${attempt.outcome}`).add(`permit ${attempt.permit}`);
}

/** Time goes by; people cancel what hangs and close what is left to them. Nobody else helps. */
function drive(point: Point, farSide: 'silent' | 'renewing'): Point {
  let { world, now } = point;
  for (const [task, { id }] of point.world.tasks.entries()) {
    const send = (event: Extract<Happening, { to: 'task' }>['event']): Result =>
      happen(world, { to: 'task', task, attemptId: undefined, event }, now);
    for (let i = 0; i < 2000 && !isTerminal(world.tasks[task]?.status ?? 'failed'); i++) {
      world = send({ kind: 'cancel', level: 1, force: false, by: ANN }).world;
      world = send({ kind: 'close', by: ANN, confirmed: true, reason: 'hangs' }).world;
      const aggregate = findAggregate(world, { taskId: id });
      const next = aggregate && nextDeadline(aggregate);
      if (next) {
        now = Math.max(now, next - 1);
        if (farSide === 'renewing') world = send({ kind: 'renew', stage: null }).world;
        now += 1;
      }
      world = send({ kind: 'tick' }).world;
    }
  }
  return { world, now };
}
