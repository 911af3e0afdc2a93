import type { OrganizationId, PoolId } from '@groundcrew/protocol';
import { describe, expect, it } from 'vitest';
import { choose } from './choose.ts';
import { POINT_MS, SLOT_MS } from './lane.ts';
import type { AgentView, PoolView, WaitingTask, WorkspaceView } from './snapshot.ts';
import {
  agent,
  apply,
  ORGANIZATION,
  pool,
  snapshot,
  task,
  taskId,
  workspace,
  workspaceId,
} from './snapshot-for-tests.ts';

const NOW = 100_000_000;
const MINUTE = 60_000;

interface Case {
  tasks: WaitingTask[];
  agents?: AgentView[];
  pools?: PoolView[];
  workspaces?: WorkspaceView[];
  organizations?: { id: OrganizationId; running: number; maxTasks: number | null }[];
}

/** The order in which tasks are given to one agent with room for all of them. */
const order = ({ agents = [agent(1, { maxTasks: 99 })], pools = [pool({ maxPlanConcurrency: 99 })], ...rest }: Case) =>
  choose(snapshot({ ...rest, agents, pools, now: NOW })).assignments.map(({ taskId: id }) => id);

const at = (minutesAgo: number, given: Partial<WaitingTask> = {}): Partial<WaitingTask> => ({
  queuedAt: NOW - minutesAgo * MINUTE,
  ...given,
});
const on = (n: number) => ({ workspaceId: workspaceId(n) });
const ids = (...numbers: number[]) => numbers.map(taskId);

describe('priority', () => {
  it.each<[string, WaitingTask[], number[]]>([
    ['none: whoever came first', [task(1, at(1)), task(2, at(2))], [2, 1]],
    ['people before programs that came a little earlier', [task(1, at(4, { priority: -5 })), task(2, at(0))], [2, 1]],
    ['a program that has waited longer than its points', [task(1, at(6, { priority: -5 })), task(2, at(0))], [1, 2]],
    [
      'the most urgent against the least',
      [task(1, at(19, { priority: -10 })), task(2, at(0, { priority: 10 }))],
      [2, 1],
    ],
    [
      'and the least is served before those that come twenty minutes later',
      [task(1, at(21, { priority: -10 })), task(2, at(0, { priority: 10 }))],
      [1, 2],
    ],
    ['within a workspace too', [task(1, at(1, on(1))), task(2, at(0, { ...on(1), priority: 3 }))], [2, 1]],
    ['equal turns: the older task', [task(2, at(1)), task(1, at(1))], [1, 2]],
  ])('%s', (_, tasks, expected) => {
    expect(order({ tasks })).toEqual(ids(...expected));
  });

  it('one that stands before an urgent one on its workspace is as urgent', () => {
    const tasks = [
      apply(1, at(1, { ...on(1), priority: -5 })),
      apply(2, at(0, { ...on(1), priority: 10 })),
      task(3, at(2)),
    ];
    const chosen = choose(snapshot({ tasks, agents: [agent(1, { maxTasks: 1 })], now: NOW }));
    expect(chosen.assignments.map(({ taskId: id }) => id)).toEqual(ids(1));
    expect(chosen.waiting.map(({ taskId: id, rule }) => [id, rule])).toEqual([
      [taskId(2), 'held'],
      [taskId(3), 'nobody_free'],
    ]);
  });
});

describe('fair share', () => {
  it('workspaces take turns, however long the queue of one of them is', () => {
    const many = [1, 2, 3, 4].map((n) => task(n, at(10, on(1))));
    const few = [task(8, at(1, on(2))), task(9, at(1, on(2)))];
    expect(order({ tasks: [...many, ...few] })).toEqual(ids(1, 8, 2, 9, 3, 4));
  });

  it.each<[string, Partial<WorkspaceView>, number[]]>([
    ['was served a moment ago', { servedAt: NOW }, [2, 1]],
    ['was served before anybody asked', { servedAt: NOW - 20 * MINUTE }, [1, 2]],
    ['has slots in use', { running: (10 * MINUTE) / SLOT_MS }, [2, 1]],
    ['has few slots in use and has waited for longer', { running: 1 }, [1, 2]],
  ])('a workspace that %s', (_, first, expected) => {
    const tasks = [task(1, at(10)), task(2, at(1))];
    expect(order({ tasks, workspaces: [workspace(1, first)] })).toEqual(ids(...expected));
  });

  it('organisations are given one agent each before any is given the next', () => {
    const other = { organizationId: 'org-2' as OrganizationId, poolId: 'pool-2' as PoolId };
    const tasks = [...[1, 2, 3].map((n) => task(n, at(60))), ...[7, 8].map((n) => task(n, at(1, other)))];
    const pools = [
      pool({ maxPlanConcurrency: 99 }),
      pool({ id: other.poolId, ...{ organizationId: other.organizationId }, maxPlanConcurrency: 99 }),
    ];
    const agents = [agent(1, { maxTasks: 99 }), agent(2, { maxTasks: 99, poolId: other.poolId })];
    expect(order({ tasks, pools, agents })).toEqual(ids(1, 7, 2, 8, 3));
  });

  it('what cannot be placed takes nobody’s turn away', () => {
    const stuck = [1, 2, 3].map((n) => task(n, at(60, { ...on(1), poolId: null })));
    expect(order({ tasks: [...stuck, task(4, at(1, on(1))), task(5, at(0))] })).toEqual(ids(4, 5));
  });
});

describe('limits', () => {
  const three = [1, 2, 3].map((n) => task(n, on(1)));
  const limit = (running: number, maxTasks: number | null) => ({ running, maxTasks });

  it.each<[string, Partial<Case>, number, string | undefined]>([
    ['none', {}, 3, undefined],
    [
      'of the workspace',
      { workspaces: [workspace(1, limit(0, 2))] },
      2,
      'The workspace runs 2 of at most 2 tasks at once.',
    ],
    [
      'of the workspace, with what runs there',
      { workspaces: [workspace(1, limit(2, 2))] },
      0,
      'The workspace runs 2 of at most 2 tasks at once.',
    ],
    [
      'of the pool',
      { pools: [pool({ ...limit(1, 2), maxPlanConcurrency: 9 })] },
      1,
      'Pool default runs 2 of at most 2 tasks at once.',
    ],
    [
      'of the organisation',
      { organizations: [{ id: ORGANIZATION, ...limit(4, 5) }] },
      1,
      'The organisation runs 5 of at most 5 tasks at once.',
    ],
    [
      'of one',
      { organizations: [{ id: ORGANIZATION, ...limit(0, 1) }] },
      1,
      'The organisation runs 1 of at most 1 task at once.',
    ],
    ['above what runs', { organizations: [{ id: ORGANIZATION, ...limit(0, 9) }] }, 3, undefined],
  ])('%s', (_, given, count, sentence) => {
    const { assignments, waiting } = choose(snapshot({ tasks: three, agents: [agent(1)], now: NOW, ...given }));
    expect(assignments).toHaveLength(count);
    expect(waiting[0]?.sentence).toBe(sentence);
  });

  it('hold back nobody else', () => {
    const tasks = [task(1, on(1)), task(2, on(2))];
    expect(order({ tasks, workspaces: [workspace(1, limit(1, 1))] })).toEqual(ids(2));
  });
});

it('the figures are those of the documentation', () => {
  expect([POINT_MS, SLOT_MS]).toEqual([60_000, 30_000]);
});
