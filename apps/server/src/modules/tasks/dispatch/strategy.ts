import type { SelectionStrategy } from '@groundcrew/protocol';
import type { Load } from './fitness.ts';
import type { AgentView, Needs } from './snapshot.ts';

/** How little an agent is wanted for a task: the lowest wins; among equals it goes by turns. Compared part by part. */
export type Rank = readonly [number, number];
export type Strategy = (agent: AgentView, load: Load, needs: Needs) => Rank;

const countPreferred = (agent: AgentView, needs: Needs): number =>
  needs.preferredLabels.filter((label) => agent.labels.includes(label)).length;

/** The four strategies. All of them choose only among agents that can take the task. */
export const createStrategies = (random: () => number): Readonly<Record<SelectionStrategy, Strategy>> => ({
  round_robin: () => [0, 0],
  least_busy: (_agent, { plans, applies }) => [plans + applies, 0],
  random: () => [random(), 0],
  label_match: (agent, { plans, applies }, needs) => [-countPreferred(agent, needs), plans + applies],
});

/** True when the first is the better choice. */
export const isBetter = (a: Rank, b: Rank): boolean => a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
