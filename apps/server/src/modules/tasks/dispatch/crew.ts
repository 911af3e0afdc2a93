import type { AgentId, PoolId } from '@groundcrew/protocol';
import type { AgentExplanation, Hindrance } from './choice.ts';
import { COULD_TAKE_IT, findAbsence, findBan, findFullness, findInability, findPassOver, type Why } from './fitness.ts';
import type { AgentView, PoolView, Snapshot, WaitingTask } from './snapshot.ts';
import { isBetter, type Rank, type Strategy } from './strategy.ts';

/** An agent during one pass, with the slots that the pass has given away. */
interface Member {
  readonly agent: AgentView;
  plans: number;
  applies: number;
}

/** The agents of a pool during one pass, ordered by id so that turns are the same on every replica. */
interface Roster {
  readonly pool: PoolView;
  readonly members: readonly Member[];
  /** Where taking turns goes on. */
  last: AgentId | null;
}

/** The agents that tasks of the same needs go to. Found once for all of them, so that a long queue costs no more than a short one. */
export interface Crew {
  /** Takes the best agent's slot for the task; undefined when nobody can take it now. */
  readonly take: (task: WaitingTask) => AgentId | undefined;
  /** Why nobody took it. */
  readonly hindrance: (task: WaitingTask) => Hindrance;
  readonly explain: (task: WaitingTask) => AgentExplanation[];
}

/** Finds the crew of a task; undefined when it has no pool. */
export interface Crews {
  readonly find: (task: WaitingTask) => Crew | undefined;
}

export function createCrews(snapshot: Snapshot, strategies: Readonly<Record<PoolView['strategy'], Strategy>>): Crews {
  const rosters = createRosters(snapshot);
  const crews = new Map<string, Crew>();
  return {
    find: (task) => {
      const roster = task.poolId === null ? undefined : rosters.get(task.poolId);
      if (!roster) return undefined;
      const key = keyOf(task);
      const crew = crews.get(key) ?? createCrew(snapshot, roster, task, strategies[roster.pool.strategy]);
      crews.set(key, crew);
      return crew;
    },
  };
}

function createRosters({ agents, pools }: Snapshot): Map<PoolId, Roster> {
  const byPool = Map.groupBy(agents, (agent) => agent.poolId);
  return new Map(
    pools.map((pool) => {
      const members = (byPool.get(pool.id) ?? [])
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .map((agent): Member => ({ agent, plans: agent.plans, applies: agent.applies }));
      return [pool.id, { pool, members, last: pool.lastAgentId }];
    }),
  );
}

const isPlan = (task: WaitingTask): boolean => task.action === 'plan';
const keyOf = (task: WaitingTask): string => JSON.stringify([task.poolId, isPlan(task), task.needs]);

function createCrew(snapshot: Snapshot, roster: Roster, { needs, action }: WaitingTask, strategy: Strategy): Crew {
  const { pool, members } = roster;
  const plan = action === 'plan';
  const able = members.filter(({ agent }) => !findInability(agent, pool, needs));
  const present = able.filter(({ agent }) => !findAbsence(agent, snapshot));
  /** Those with room. Room only shrinks during a pass, so whoever is full is never looked at again. */
  let open = present;
  return {
    take: (task) => {
      open = open.filter((member) => !findFullness(member.agent, member, pool, plan));
      const free = open.filter(({ agent }) => !findBan(agent, task) && !findPassOver(agent, task, snapshot));
      const chosen = pickBest(free, roster.last, (member) => strategy(member.agent, member, needs));
      if (!chosen) return undefined;
      if (plan) chosen.plans += 1;
      else chosen.applies += 1;
      roster.last = chosen.agent.id;
      return chosen.agent.id;
    },
    hindrance: (task) => findHindrance(pool, { members, able, present }, task),
    explain: (task) =>
      members.map((member) => {
        const { agent } = member;
        const why =
          findInability(agent, pool, needs) ??
          findBan(agent, task) ??
          findAbsence(agent, snapshot) ??
          findFullness(agent, member, pool, plan) ??
          findPassOver(agent, task, snapshot);
        return toExplanation(agent, why ?? COULD_TAKE_IT);
      }),
  };
}

const toExplanation = (agent: AgentView, { reason, sentence }: Why): AgentExplanation => ({
  agentId: agent.id,
  name: agent.name,
  reason,
  sentence,
});

/** The one with the lowest rank; among equals the next by id after whoever was last given something. */
function pickBest(
  members: readonly Member[],
  last: AgentId | null,
  rankOf: (member: Member) => Rank,
): Member | undefined {
  const from = Math.max(
    members.findIndex(({ agent }) => last !== null && agent.id > last),
    0,
  );
  let best: { member: Member; rank: Rank } | undefined;
  for (let i = 0; i < members.length; i++) {
    const member = members[(from + i) % members.length];
    if (!member) continue;
    const rank = rankOf(member);
    if (!best || isBetter(rank, best.rank)) best = { member, rank };
  }
  return best?.member;
}

interface Groups {
  readonly members: readonly Member[];
  readonly able: readonly Member[];
  readonly present: readonly Member[];
}

/** The first thing that would have to change for the task to be taken. */
function findHindrance({ name }: PoolView, { members, able, present }: Groups, task: WaitingTask): Hindrance {
  const admits = ({ agent }: Member): boolean => !findBan(agent, task);
  if (members.length === 0) return { rule: 'pool_empty', sentence: `Pool ${name} has no agents.` };
  if (!able.some(admits))
    return {
      rule: 'nobody_able',
      sentence: `None of the ${members.length} agents of pool ${name} can take this task.`,
    };
  if (!present.some(admits))
    return { rule: 'nobody_online', sentence: `No agent of pool ${name} that can take this task is online.` };
  return { rule: 'nobody_free', sentence: `Every agent of pool ${name} that can take this task is busy.` };
}
