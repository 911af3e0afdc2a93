import type { SelectionStrategy } from '@groundcrew/protocol';
import type { Load } from './fitness.ts';
import type { AgentView, Needs } from './snapshot.ts';

/** Which of the agents that can take a task gets it. */
export interface Strategy {
  /** How little it is wanted: the lowest wins. Giving slots away must never lower a rank. */
  readonly rankOf: (agent: AgentView, load: Load, needs: Needs) => number;
  /** Chooses among equals by chance instead of by turns. */
  readonly dice?: () => number;
}

/** More than any agent runs, so that one preferred label outweighs every load. */
const LABEL = 1_000_000;

const countPreferred = (agent: AgentView, needs: Needs): number =>
  needs.preferredLabels.filter((label) => agent.labels.includes(label)).length;

const busyness = ({ plans, applies }: Load): number => plans + applies;

/** The four strategies. All of them choose only among agents that can take the task. */
export const createStrategies = (random: () => number): Readonly<Record<SelectionStrategy, Strategy>> => ({
  round_robin: { rankOf: () => 0 },
  least_busy: { rankOf: (_agent, load) => busyness(load) },
  random: { rankOf: () => 0, dice: random },
  label_match: { rankOf: (agent, load, needs) => busyness(load) - LABEL * countPreferred(agent, needs) },
});
