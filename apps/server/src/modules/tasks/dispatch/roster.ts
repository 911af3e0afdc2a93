import type { PoolId } from '@groundcrew/protocol';
import type { AgentView, PoolView, Snapshot } from './snapshot.ts';

/** An agent during one pass, with the slots that the pass has given away. */
export interface Member {
  readonly agent: AgentView;
  /** Its place in the order of turns. */
  readonly place: number;
  plans: number;
  applies: number;
}

/** The agents of a pool during one pass, ordered by id so that turns are the same on every replica. */
export interface Roster {
  readonly pool: PoolView;
  readonly members: readonly Member[];
  /** The place that was last given something. */
  last: number;
}

/** The roster of every pool. */
export function createRosters({ agents, pools }: Snapshot): Map<PoolId, Roster> {
  const byPool = Map.groupBy(agents, (agent) => agent.poolId);
  return new Map(pools.map((pool) => [pool.id, createRoster(pool, byPool.get(pool.id) ?? [])]));
}

function createRoster(pool: PoolView, agents: readonly AgentView[]): Roster {
  const inOrder = agents.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const { lastAgentId } = pool;
  return {
    pool,
    members: inOrder.map((agent, place) => ({ agent, place, plans: agent.plans, applies: agent.applies })),
    // Whoever it was may have left the pool; turns go on where it stood.
    last: lastAgentId === null ? -1 : inOrder.filter(({ id }) => id <= lastAgentId).length - 1,
  };
}
