import type { AgentStatus, PoolId } from '@groundcrew/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { choose } from './choose.ts';
import type { AgentView, PoolView, Room, Snapshot, WaitingTask } from './snapshot.ts';
import {
  agent,
  agentId,
  needs,
  ORGANIZATION,
  pool,
  snapshot,
  task,
  taskId,
  workspace,
  workspaceId,
} from './snapshot-for-tests.ts';

const pools = [1, 2].map((n) => `pool-${n}` as PoolId);
const labels = fc.subarray(['a', 'b']);

/** Mostly the harmless value, so that several agents can take the same task and the choice is one. */
const mostly = <T>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 8, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
const mostlyBoth = fc.oneof({ weight: 3, arbitrary: fc.constant(['a', 'b']) }, { weight: 1, arbitrary: labels });

const anyAgent = fc
  .record({
    poolId: fc.constantFrom(...pools),
    status: mostly<AgentStatus>('online', 'busy', 'offline', 'error'),
    silentOffers: mostly(0, 2, 3, 4),
    draining: mostly(false, true),
    labels: mostlyBoth,
    mayExecute: mostly(true, false),
    mayReadSecrets: mostly(true, false),
    allowedWorkspaces: mostly(null, [], [workspaceId(0)], [workspaceId(1), workspaceId(2)]),
    maxTasks: fc.integer({ min: 1, max: 4 }),
    plans: fc.integer({ min: 0, max: 2 }),
    applies: mostly(0, 1),
  })
  .map((given): Partial<AgentView> => given);

const anyTask = fc
  .record({
    workspaceId: fc.integer({ min: 0, max: 2 }).map(workspaceId),
    poolId: fc.option(fc.constantFrom(...pools), { freq: 9 }),
    kind: fc.constantFrom(
      { action: 'plan', mayApply: false } as const,
      { action: 'plan', mayApply: true } as const,
      { action: 'plan_apply', mayApply: true } as const,
      { action: 'apply', mayApply: true } as const,
    ),
    arrival: fc.integer({ min: 0, max: 1000 }),
    needs: fc
      .record({ labels: mostly<string[]>([], ['a']), preferredLabels: labels, secrets: mostly(false, true) })
      .map(needs),
    passedOver: fc.array(
      fc.record({ agentId: fc.integer({ min: 0, max: 5 }).map(agentId), until: fc.constantFrom(999_999, 1_000_001) }),
      { maxLength: 2 },
    ),
  })
  .map(({ kind, ...given }): Partial<WaitingTask> => ({ ...given, ...kind }));

const anyPool = fc
  .record({
    strategy: fc.constantFrom('round_robin' as const, 'least_busy' as const, 'random' as const, 'label_match' as const),
    requiredLabels: fc.constantFrom([], ['a']),
    maxPlanConcurrency: fc.integer({ min: 1, max: 3 }),
    allowApplyConcurrent: fc.boolean(),
  })
  .map((given): Partial<PoolView> => given);

const anySnapshot: fc.Arbitrary<Snapshot> = fc
  .record({
    agents: fc.array(anyAgent, { maxLength: 6 }).map((all) => all.map((given, n) => agent(n, given))),
    tasks: fc.array(anyTask, { maxLength: 12 }).map((all) => all.map((given, n) => task(n, given))),
    pools: fc.tuple(anyPool, anyPool).map((both) => both.map((given, n) => pool({ ...given, id: pools[n] as PoolId }))),
    locked: mostly<number[]>([], [0], [1, 2]),
    held: fc.option(fc.integer({ min: 0, max: 11 })),
    limits: fc.record({
      workspace: mostly<number | null>(null, 1, 2),
      organization: mostly<number | null>(null, 2, 3),
    }),
  })
  .map(({ locked, held, limits, ...given }) =>
    snapshot({
      ...given,
      workspaces: [0, 1, 2].map((n) =>
        workspace(n, {
          lock: locked.includes(n) ? { by: 'Ann', reason: '' } : null,
          hold: held === null ? null : taskId(held),
          maxTasks: limits.workspace,
          running: 1,
        }),
      ),
      organizations: [{ id: ORGANIZATION, running: 1, maxTasks: limits.organization }],
    }),
  );

/** The rules written down once more, slowly: may this agent, loaded like this, take this task? */
function mayTake(s: Snapshot, t: WaitingTask, a: AgentView, plans: number, applies: number): boolean {
  const p = s.pools.find((other) => other.id === t.poolId);
  if (
    !p ||
    a.poolId !== p.id ||
    a.status === 'offline' ||
    a.status === 'error' ||
    a.silentOffers >= 3 ||
    a.draining ||
    !a.mayExecute
  )
    return false;
  if (t.needs.secrets && !a.mayReadSecrets) return false;
  if (a.allowedWorkspaces && !a.allowedWorkspaces.includes(t.workspaceId)) return false;
  if ([...t.needs.labels, ...p.requiredLabels].some((label) => !a.labels.includes(label))) return false;
  if (t.passedOver.some((entry) => entry.agentId === a.id && entry.until > s.now)) return false;
  if (!p.allowApplyConcurrent && applies > 0) return false;
  return plans + applies < a.maxTasks && (t.action !== 'plan' || plans < p.maxPlanConcurrency);
}

function loadsAfter(
  s: Snapshot,
  given: readonly { taskId: string; agentId: string }[],
): Map<string, { plans: number; applies: number }> {
  const loads = new Map<string, { plans: number; applies: number }>(
    s.agents.map((a) => [a.id, { plans: a.plans, applies: a.applies }]),
  );
  for (const { taskId: t, agentId: a } of given) {
    const load = loads.get(a);
    if (load) load[s.tasks.find((other) => other.id === t)?.action === 'plan' ? 'plans' : 'applies'] += 1;
  }
  return loads;
}

/** Whether a limit of its organisation or workspace is used up, once these are given. */
function isLimited(s: Snapshot, t: WaitingTask, given: readonly { taskId: string }[]): boolean {
  const mine = s.tasks.filter((other) => given.some(({ taskId: id }) => id === other.id));
  const [organization] = s.organizations;
  const home = s.workspaces.get(t.workspaceId);
  const inWorkspace = mine.filter((other) => other.workspaceId === t.workspaceId).length;
  return isUsedUp(home, inWorkspace) || isUsedUp(organization, mine.length);
}

const isUsedUp = (room: Room | undefined, more: number): boolean =>
  room !== undefined && room.maxTasks !== null && room.running + more >= room.maxTasks;

function expectNobodyCan(
  s: Snapshot,
  t: WaitingTask,
  loads: ReturnType<typeof loadsAfter>,
  agents: readonly { reason: string }[],
): void {
  for (const a of s.agents)
    expect(mayTake(s, t, a, loads.get(a.id)?.plans ?? 0, loads.get(a.id)?.applies ?? 0)).toBe(false);
  expect(agents.every(({ reason }) => reason !== 'could_take_it')).toBe(true);
}

const LASTING: ReadonlySet<string> = new Set([
  'may_not_execute',
  'may_not_read_secrets',
  'workspace_not_allowed',
  'provider_not_allowed',
  'provider_missing',
  'version_missing',
  'label_missing',
]);
const ABSENT: ReadonlySet<string> = new Set(['offline', 'in_error', 'suspect', 'draining']);

function ruleFrom(reasons: readonly string[]): string {
  const able = reasons.filter((reason) => !LASTING.has(reason));
  if (able.length === 0) return 'nobody_able';
  return able.every((reason) => ABSENT.has(reason)) ? 'nobody_online' : 'nobody_free';
}

describe('choose', () => {
  it('never gives a task to an agent that may not take it, in the order given', () => {
    fc.assert(
      fc.property(anySnapshot, (s) => {
        const { assignments } = choose(s, () => 0.5);
        for (const [n, { taskId: t, agentId: a }] of assignments.entries()) {
          const load = loadsAfter(s, assignments.slice(0, n)).get(a);
          const [who, what] = [s.agents.find((other) => other.id === a), s.tasks.find((other) => other.id === t)];
          expect(who && what && load && mayTake(s, what, who, load.plans, load.applies)).toBe(true);
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('never gives away more than the limits allow', () => {
    fc.assert(
      fc.property(anySnapshot, (s) => {
        const { assignments } = choose(s, () => 0.5);
        for (const [n, { taskId: t }] of assignments.entries()) {
          const what = s.tasks.find((other) => other.id === t);
          expect(what && isLimited(s, what, assignments.slice(0, n))).toBe(false);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('least_busy gives each task to one of the least busy that may take it', () => {
    fc.assert(
      fc.property(anySnapshot, (mixed) => {
        const s = { ...mixed, pools: mixed.pools.map((p) => ({ ...p, strategy: 'least_busy' as const })) };
        const { assignments } = choose(s);
        for (const [n, { taskId: t, agentId: a }] of assignments.entries()) {
          const loads = loadsAfter(s, assignments.slice(0, n));
          const what = s.tasks.find((other) => other.id === t);
          const busy = (id: string): number => (loads.get(id)?.plans ?? 0) + (loads.get(id)?.applies ?? 0);
          const able = s.agents.filter((other) => {
            const load = loads.get(other.id);
            return what && load && mayTake(s, what, other, load.plans, load.applies);
          });
          expect(busy(a)).toBe(Math.min(...able.map(({ id }) => busy(id))));
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('never leaves a task waiting for an agent while one could take it', () => {
    fc.assert(
      fc.property(anySnapshot, (s) => {
        const { assignments, waiting } = choose(s, () => 0.5);
        const loads = loadsAfter(s, assignments);
        for (const { taskId: t, rule, agents } of waiting) {
          const what = s.tasks.find((other) => other.id === t);
          if (!what || ['locked', 'held', 'not_first'].includes(rule)) continue;
          if (rule.endsWith('_limit')) expect(isLimited(s, what, assignments)).toBe(true);
          else expectNobodyCan(s, what, loads, agents);
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('names as the rule what the agents say one by one, whatever would not pass by itself first', () => {
    fc.assert(
      fc.property(anySnapshot, (s) => {
        for (const { rule, agents } of choose(s, () => 0.5).waiting) {
          if (rule.startsWith('nobody_')) expect(rule).toBe(ruleFrom(agents.map(({ reason }) => reason)));
          // What lasts is named, though the agent may be away or full as well.
          const idle = agents.filter(({ agent: { mayExecute } }) => !mayExecute);
          expect(idle.every(({ reason }) => LASTING.has(reason))).toBe(true);
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('gives each task once or explains it once; a workspace has one task at a time that may apply, the oldest or its holder, and none when locked', () => {
    fc.assert(
      fc.property(anySnapshot, (s) => {
        const { assignments, waiting } = choose(s, () => 0.5);
        expect([...assignments, ...waiting].map(({ taskId: t }) => t).toSorted()).toEqual(
          s.tasks.map(({ id }) => id).toSorted(),
        );
        for (const fence of s.workspaces.values()) {
          const mine = s.tasks.filter((t) => t.workspaceId === fence.id);
          const given = mine.filter((t) => assignments.some((a) => a.taskId === t.id));
          if (fence.lock) expect(given).toEqual([]);
          const applies = given.filter((t) => t.mayApply);
          expect(applies.length).toBeLessThanOrEqual(1);
          const oldest = Math.min(...mine.filter((t) => t.mayApply).map((t) => t.arrival));
          for (const t of applies)
            expect(fence.hold === t.id || (fence.hold === null && t.arrival === oldest)).toBe(true);
        }
      }),
      { numRuns: 1500 },
    );
  });
});
