import type { AgentExplanation, Assignment, Choice, Hindrance, StillWaiting } from './choice.ts';
import { type Crew, createCrews } from './crew.ts';
import { createFences } from './fences.ts';
import { createLimits } from './limits.ts';
import { createLine } from './line.ts';
import type { Snapshot, WaitingTask } from './snapshot.ts';
import { createStrategies } from './strategy.ts';

export type { Assignment, Choice, StillWaiting } from './choice.ts';

/**
 * Gives waiting tasks to agents that can, may and have room, each in its turn (see {@link createLine}); a task that cannot be
 * placed holds back nobody else's. Pure but for `random`, which only the strategy of that name uses. What it says of the tasks
 * that stay is the queue's explanation.
 */
export function choose(snapshot: Snapshot, random: () => number = Math.random): Choice {
  const crews = createCrews(snapshot, createStrategies(random));
  const [fences, limits, line] = [createFences(snapshot), createLimits(snapshot), createLine(snapshot)];
  const assignments: Assignment[] = [];
  const waiting: StillWaiting[] = [];
  for (let next = line.next(); next !== undefined; next = line.next()) {
    const { task, workspace } = next;
    const crew = crews.find(task);
    const hindrance = fences.find(task, workspace) ?? (crew === undefined ? NO_POOL : limits.find(task));
    const agentId = hindrance === undefined ? crew?.take(task) : undefined;
    if (agentId === undefined) {
      waiting.push(new Waiting(task, hindrance ?? crew?.hindrance(task) ?? NO_POOL, crew));
      continue;
    }
    fences.take(task);
    limits.take(task);
    line.serve();
    assignments.push({ taskId: task.id, agentId });
  }
  return { assignments, waiting };
}

const NO_POOL: Hindrance = { rule: 'no_pool', sentence: 'The workspace names no pool of agents, or one that is gone.' };

class Waiting implements StillWaiting {
  readonly #crew: Crew | undefined;
  readonly task: WaitingTask;
  readonly taskId: StillWaiting['taskId'];
  readonly rule: StillWaiting['rule'];
  readonly sentence: string;

  constructor(task: WaitingTask, { rule, sentence }: Hindrance, crew: Crew | undefined) {
    this.task = task;
    this.taskId = task.id;
    this.rule = rule;
    this.sentence = sentence;
    this.#crew = crew;
  }

  get agents(): readonly AgentExplanation[] {
    return this.#crew?.explain(this.task) ?? [];
  }
}
