import type { OrganizationId, PoolId, PoolTokenId, PoolType } from '@groundcrew/protocol';

/** What a registration token opens. */
export interface TokenPool {
  tokenId: PoolTokenId;
  poolId: PoolId;
  organizationId: OrganizationId;
}

/** A pool as far as letting agents in goes. */
export interface Door {
  name: string;
  pool_type: PoolType;
  required_labels: readonly string[];
}

/**
 * Why a pool does not take an agent that brings its token and is none of its members yet, as a sentence; undefined when it does.
 *
 * A static pool takes nobody but those an administrator has listed; a dynamic one takes whoever carries the labels it requires.
 */
export function findDoorObstacle(
  { name, pool_type, required_labels }: Door,
  agent: { agent_id: string; labels: readonly string[] },
): string | undefined {
  if (pool_type === 'static')
    return `Pool ${name} takes listed members only, and ${agent.agent_id} is none; an administrator lists it with "groundcrew agent create ${agent.agent_id} --pool ${name} --agent-id ${agent.agent_id}", or moves it there.`;
  const missing = required_labels.filter((label) => !agent.labels.includes(label));
  if (missing.length === 0) return undefined;
  return `Pool ${name} takes agents that carry ${required_labels.join(', ')}, and ${agent.agent_id} lacks ${missing.join(', ')}; add it to the labels in the agent's configuration.`;
}
