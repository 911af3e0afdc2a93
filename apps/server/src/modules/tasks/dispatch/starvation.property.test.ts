import fc from 'fast-check';
import { expect, it } from 'vitest';
import { choose } from './choose.ts';
import { POINT_MS, SLOT_MS } from './lane.ts';
import type { WaitingTask } from './snapshot.ts';
import { agent, pool, snapshot, task, workspace, workspaceId } from './snapshot-for-tests.ts';

const MINUTE = 60_000;
const SLOTS = 3;
/** Workspaces that keep asking. */
const CROWD = 4;

interface Arrivals {
  /** How many tasks the crowd asks for each minute: more than the slots can do. */
  readonly perMinute: number;
  readonly priority: number;
  /** How many minutes a task takes. */
  readonly takes: number;
  /** The one that must not starve. */
  readonly own: { readonly priority: number; readonly busy: number };
}

/**
 * Minutes until a task is served that is asked for once, while others never stop asking, for fresh workspaces and busy ones
 * alike. `rounds` bounds the simulation; a starved task is not served within it.
 */
function simulate({ perMinute, priority, takes, own }: Arrivals, rounds: number): number | undefined {
  let queue: WaitingTask[] = [task(0, { workspaceId: workspaceId('own'), queuedAt: 0, priority: own.priority })];
  let running: { id: string; until: number }[] = [];
  const served = new Map<string, number>();
  let count = 0;
  for (let minute = 0; minute < rounds; minute += 1) {
    const now = minute * MINUTE;
    running = running.filter(({ until }) => until > minute);
    for (let n = 0; n < perMinute; n += 1) {
      count += 1;
      const asks = n % 2 === 0 ? `crowd-${n % CROWD}` : `fresh-${count}`;
      queue.push(task(count, { workspaceId: workspaceId(asks), queuedAt: now, priority }));
    }
    const used = (id: string) =>
      running.filter((one) => one.id === id).length + (id === workspaceId('own') ? own.busy : 0);
    const workspaces = [...new Set(queue.map((t) => t.workspaceId))].map((id) => ({
      ...workspace(0, { servedAt: served.get(id) ?? null, running: used(id) }),
      id,
    }));
    const { assignments } = choose(
      snapshot({
        tasks: queue,
        workspaces,
        agents: [agent(1, { maxTasks: SLOTS, plans: running.length })],
        pools: [pool({ maxPlanConcurrency: SLOTS })],
        now,
      }),
    );
    const given = new Set<string>(assignments.map(({ taskId }) => taskId));
    for (const { id, workspaceId: where } of queue.filter((t) => given.has(t.id))) {
      if (id === 'task-0') return minute;
      running.push({ id: where, until: minute + takes });
      served.set(where, now);
    }
    queue = queue.filter((t) => !given.has(t.id));
  }
  return undefined;
}

it('nobody starves: whoever waits is served in bounded time, however many come after', () => {
  fc.assert(
    fc.property(
      fc.record({
        perMinute: fc.integer({ min: 3, max: 8 }),
        priority: fc.integer({ min: -10, max: 10 }),
        takes: fc.integer({ min: 1, max: 3 }),
        own: fc.record({ priority: fc.integer({ min: -10, max: 10 }), busy: fc.integer({ min: 0, max: 4 }) }),
      }),
      (arrivals) => {
        const { own, perMinute, priority, takes } = arrivals;
        // Those before it in turn: who came within the head start that the others have by priority and slots in use.
        const headStart = Math.max(0, (priority - own.priority) * POINT_MS + own.busy * SLOT_MS) / MINUTE;
        const before = (headStart + 1) * perMinute;
        const bound = headStart + Math.ceil(before / SLOTS + 2) * takes + 1;
        const waited = simulate(arrivals, Math.ceil(bound) + 1);
        expect(waited).toBeLessThanOrEqual(bound);
      },
    ),
    { numRuns: 120 },
  );
});

it('the same snapshot is decided the same way, whatever the order of its lists', () => {
  const waiting = fc.array(
    fc.record({
      workspace: fc.integer({ min: 0, max: 4 }),
      queuedAt: fc.integer({ min: 0, max: 5 }).map((n) => n * MINUTE),
      priority: fc.integer({ min: -3, max: 3 }),
      mayApply: fc.boolean(),
    }),
    { minLength: 1, maxLength: 15 },
  );
  fc.assert(
    fc.property(waiting, fc.infiniteStream(fc.nat()), (given, shuffle) => {
      const tasks = given.map(({ workspace: n, ...rest }, id) => task(id, { ...rest, workspaceId: workspaceId(n) }));
      const agents = [1, 2, 3].map((n) => agent(n));
      const shuffled = <T>(list: readonly T[]): T[] =>
        list
          .map((item) => ({ item, by: shuffle.next().value as number }))
          .sort((a, b) => a.by - b.by)
          .map(({ item }) => item);
      const [one, other] = [
        choose(snapshot({ tasks, agents, now: 10 * MINUTE })),
        choose(snapshot({ tasks: shuffled(tasks), agents: shuffled(agents), now: 10 * MINUTE })),
      ];
      expect(other.assignments).toEqual(one.assignments);
      expect(other.waiting.map(({ taskId, rule, sentence }) => [taskId, rule, sentence])).toEqual(
        one.waiting.map(({ taskId, rule, sentence }) => [taskId, rule, sentence]),
      );
    }),
    { numRuns: 300 },
  );
});
