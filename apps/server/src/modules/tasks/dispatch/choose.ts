import type { TaskId, WorkspaceId } from '@groundcrew/protocol';
import type { Assignment, Choice, Hindrance, StillWaiting } from './choice.ts';
import { type Crew, createCrews } from './crew.ts';
import type { Snapshot, WaitingTask } from './snapshot.ts';
import { createStrategies } from './strategy.ts';

export type { Assignment, Choice, StillWaiting } from './choice.ts';

/**
 * Gives waiting tasks to agents that can, may and have room, in the order of the list; a task that cannot be placed holds back
 * nobody else's. Pure but for `random`, which only the strategy of that name uses. What it says of the tasks that stay is the
 * queue's explanation.
 */
export function choose(snapshot: Snapshot, random: () => number = Math.random): Choice {
  const crews = createCrews(snapshot, createStrategies(random));
  const turns = createTurns(snapshot);
  const assignments: Assignment[] = [];
  const waiting: StillWaiting[] = [];
  for (const task of snapshot.tasks) {
    const crew = crews.find(task);
    const hindrance = turns.find(task) ?? (crew ? undefined : NO_POOL);
    const agentId = hindrance ? undefined : crew?.take(task);
    if (agentId) {
      turns.take(task);
      assignments.push({ taskId: task.id, agentId });
    } else {
      waiting.push(explain(task, hindrance ?? crew?.hindrance(task) ?? NO_POOL, crew));
    }
  }
  return { assignments, waiting };
}

const NO_POOL: Hindrance = { rule: 'no_pool', sentence: 'The workspace names no pool of agents; give it one.' };

const explain = (task: WaitingTask, { rule, sentence }: Hindrance, crew: Crew | undefined): StillWaiting => ({
  taskId: task.id,
  rule,
  sentence,
  get agents() {
    return crew?.explain(task) ?? [];
  },
});

/** Whose turn it is on each workspace. */
interface Turns {
  readonly find: (task: WaitingTask) => Hindrance | undefined;
  readonly take: (task: WaitingTask) => void;
}

function createTurns({ tasks, workspaces }: Snapshot): Turns {
  const fences = new Map(workspaces.map((workspace) => [workspace.id, workspace]));
  const holds = new Map<WorkspaceId, TaskId | null>(workspaces.map((workspace) => [workspace.id, workspace.hold]));
  const first = firstInOrder(tasks);
  return {
    find: (task) => {
      const lock = fences.get(task.workspaceId)?.lock;
      if (lock)
        return {
          rule: 'locked',
          sentence: `The workspace is locked by ${lock.by}${lock.reason ? `: ${lock.reason}` : ''}.`,
        };
      if (!task.mayApply) return undefined;
      const hold = holds.get(task.workspaceId) ?? null;
      if (hold === task.id) return undefined;
      if (hold !== null) return { rule: 'held', sentence: `Task ${hold} holds the workspace until it ends.` };
      const before = first.get(task.workspaceId);
      return before && before.id !== task.id
        ? { rule: 'not_first', sentence: `Task ${before.id} came first and may apply as well.` }
        : undefined;
    },
    take: (task) => {
      if (task.mayApply) holds.set(task.workspaceId, task.id);
    },
  };
}

/** The oldest waiting task that may apply, for each workspace. */
function firstInOrder(tasks: readonly WaitingTask[]): Map<WorkspaceId, WaitingTask> {
  const first = new Map<WorkspaceId, WaitingTask>();
  for (const task of tasks) {
    const known = first.get(task.workspaceId);
    if (task.mayApply && (!known || task.arrival < known.arrival)) first.set(task.workspaceId, task);
  }
  return first;
}
