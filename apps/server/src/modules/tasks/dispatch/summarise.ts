import type { AgentStatus, PoolQueue, QueueRule, QueueSummary } from '@groundcrew/protocol';
import { choose, type StillWaiting } from './choose.ts';
import { findAbsence, findFullness } from './fitness.ts';
import { findHelp, type Help } from './hypothesis.ts';
import type { AgentView, PoolView, Snapshot } from './snapshot.ts';

/** The queue in numbers. `snapshot` holds one organisation. */
export function summarise(snapshot: Snapshot): QueueSummary {
  const { waiting } = choose(snapshot, () => 0);
  const waits = Map.groupBy(waiting, ({ task }) => task.poolId);
  const agents = Map.groupBy(snapshot.agents, ({ poolId }) => poolId);
  const help = findHelp(snapshot);
  return {
    at: new Date(snapshot.now).toISOString(),
    waiting: waiting.length,
    running: snapshot.pools.reduce((sum, { running }) => sum + running, 0),
    max_concurrent_tasks: snapshot.organizations[0]?.maxTasks ?? null,
    pools: snapshot.pools
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map((pool) =>
        summarisePool(snapshot, pool, waits.get(pool.id) ?? [], agents.get(pool.id) ?? [], help.get(pool.id)),
      ),
  };
}

const NO_HELP: Help = { byOne: 0, byEnough: 0, agentsWanted: 0 };

function summarisePool(
  snapshot: Snapshot,
  pool: PoolView,
  waiting: readonly StillWaiting[],
  agents: readonly AgentView[],
  { byOne, byEnough, agentsWanted }: Help = NO_HELP,
): PoolQueue {
  const oldest = Math.min(...waiting.map(({ task }) => task.queuedAt));
  return {
    pool_id: pool.id,
    name: pool.name,
    waiting: waiting.length,
    waiting_by_rule: countRules(waiting),
    oldest_waiting_seconds: waiting.length === 0 ? null : Math.max(0, Math.round((snapshot.now - oldest) / 1000)),
    helped: byEnough,
    helped_by_one: byOne,
    agents_wanted: agentsWanted,
    running: pool.running,
    free_slots: countFree(snapshot, pool, agents),
    agents: countAgents(snapshot, agents),
  };
}

function countRules(waiting: readonly StillWaiting[]): Partial<Record<QueueRule, number>> {
  const counts: Partial<Record<QueueRule, number>> = {};
  for (const { rule } of waiting) counts[rule] = (counts[rule] ?? 0) + 1;
  return counts;
}

/** Plans that could begin now, whatever they need. */
function countFree(snapshot: Snapshot, pool: PoolView, agents: readonly AgentView[]): number {
  const present = agents.filter((agent) => findAbsence(agent, snapshot) === undefined);
  const free = present.reduce((sum, agent) => sum + countFreeOf(agent, pool), 0);
  return pool.maxTasks === null ? free : Math.max(0, Math.min(free, pool.maxTasks - pool.running));
}

function countFreeOf(agent: AgentView, pool: PoolView): number {
  if (findFullness(agent, agent, pool, true) !== undefined) return 0;
  const planLimit = Math.min(pool.maxPlanConcurrency, agent.planLimit ?? Number.POSITIVE_INFINITY);
  return Math.min(agent.maxTasks - agent.plans - agent.applies, planLimit - agent.plans);
}

function countAgents(snapshot: Snapshot, agents: readonly AgentView[]): PoolQueue['agents'] {
  const count = (status: AgentStatus): number => agents.filter((agent) => statusOf(agent, snapshot) === status).length;
  return {
    online: count('online'),
    busy: count('busy'),
    error: count('error'),
    offline: count('offline'),
    draining: agents.filter(({ draining }) => draining).length,
  };
}

/** As people see it: whoever runs something is busy. */
function statusOf(agent: AgentView, { silentOffersUntilSuspect }: Snapshot): AgentStatus {
  if (agent.status === 'offline') return 'offline';
  if (agent.status === 'error' || agent.silentOffers >= silentOffersUntilSuspect) return 'error';
  return agent.plans + agent.applies > 0 ? 'busy' : 'online';
}
