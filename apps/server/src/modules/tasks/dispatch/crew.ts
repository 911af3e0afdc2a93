import type { AgentId, PoolId } from '@groundcrew/protocol';
import type { AgentExplanation, Hindrance } from './choice.ts';
import {
  BANNED,
  COULD_TAKE_IT,
  findAbsence,
  findFullness,
  findInability,
  isBanned,
  isPassedOver,
  PASSED_OVER,
  type Why,
} from './fitness.ts';
import { createRosters, type Member, type Roster } from './roster.ts';
import { createSearch } from './search.ts';
import type { Needs, Snapshot, WaitingTask } from './snapshot.ts';
import type { Strategy } from './strategy.ts';

/** The agents that tasks of the same needs go to. Found once for all of them, so that a long queue costs no more than a short one. */
export interface Crew {
  /** Takes the best agent's slot for the task; undefined when nobody can take it now. */
  readonly take: (task: WaitingTask) => AgentId | undefined;
  /** Why nobody took it: the first thing that would have to change. */
  readonly hindrance: (task: WaitingTask) => Hindrance;
  readonly explain: (task: WaitingTask) => AgentExplanation[];
}

/** Finds the crew of a task; undefined when it has no pool. */
export interface Crews {
  readonly find: (task: WaitingTask) => Crew | undefined;
}

export function createCrews(
  snapshot: Snapshot,
  strategies: Readonly<Record<Roster['pool']['strategy'], Strategy>>,
): Crews {
  const rosters = createRosters(snapshot);
  const [plans, applies] = [new Map<PoolId, Map<Needs, Crew>>(), new Map<PoolId, Map<Needs, Crew>>()];
  return {
    find: (task) => {
      const { poolId, needs, action } = task;
      if (poolId === null) return undefined;
      const crews = action === 'plan' ? plans : applies;
      const known = crews.get(poolId)?.get(needs);
      if (known) return known;
      const roster = rosters.get(poolId);
      if (!roster) return undefined;
      const crew = createCrew(snapshot, roster, task, strategies[roster.pool.strategy]);
      crews.set(poolId, (crews.get(poolId) ?? new Map<Needs, Crew>()).set(needs, crew));
      return crew;
    },
  };
}

function createCrew(snapshot: Snapshot, roster: Roster, { needs, action }: WaitingTask, strategy: Strategy): Crew {
  const { pool, members } = roster;
  const plan = action === 'plan';
  const able = members.filter(({ agent }) => !findInability(agent, pool, needs));
  const present = able.filter(({ agent }) => !findAbsence(agent, snapshot));
  const search = createSearch({
    members: present,
    isFull: (member) => findFullness(member.agent, member, pool, plan) !== undefined,
    isBarred: ({ agent }, task) => isBanned(agent, task) || isPassedOver(agent, task, snapshot),
    rankOf: (member) => strategy.rankOf(member.agent, member, needs),
    dice: strategy.dice,
  });
  return {
    take: (task) => {
      const chosen = search(task, roster.last);
      if (!chosen) return undefined;
      chosen[plan ? 'plans' : 'applies'] += 1;
      roster.last = chosen.place;
      return chosen.agent.id;
    },
    hindrance: (task) => findHindrance(pool.name, { members, able, present }, task),
    explain: (task) =>
      members.map((member) => {
        const { agent } = member;
        const lasting = findInability(agent, pool, needs) ?? (isBanned(agent, task) ? BANNED : undefined);
        const passing = findAbsence(agent, snapshot) ?? findFullness(agent, member, pool, plan);
        const otherwise = isPassedOver(agent, task, snapshot) ? PASSED_OVER : COULD_TAKE_IT;
        return toExplanation(member, lasting ?? passing ?? otherwise);
      }),
  };
}

const toExplanation = ({ agent }: Member, { reason, sentence }: Why): AgentExplanation => ({
  agent,
  agentId: agent.id,
  name: agent.name,
  reason,
  sentence,
});

interface Groups {
  readonly members: readonly Member[];
  readonly able: readonly Member[];
  readonly present: readonly Member[];
}

function findHindrance(pool: string, { members, able, present }: Groups, task: WaitingTask): Hindrance {
  const admits = ({ agent }: Member): boolean => !isBanned(agent, task);
  if (members.length === 0) return { rule: 'pool_empty', sentence: `Pool ${pool} has no agents.` };
  if (!able.some(admits)) return { rule: 'nobody_able', sentence: describeUnable(pool, members.length) };
  if (!present.some(admits))
    return { rule: 'nobody_online', sentence: `No agent of pool ${pool} that can take this task is online.` };
  return { rule: 'nobody_free', sentence: `Every agent of pool ${pool} that can take this task is busy.` };
}

const describeUnable = (pool: string, count: number): string =>
  count === 1
    ? `The only agent of pool ${pool} cannot take this task.`
    : `None of the ${count} agents of pool ${pool} can take this task.`;
