import type { TaskId, WorkspaceId } from '@groundcrew/protocol';
import type { Hindrance } from './choice.ts';
import type { Snapshot, WaitingTask, WorkspaceView } from './snapshot.ts';

/** Whose turn it is on each workspace, as far as a person's lock, a hold and the order of arrival decide it. */
export interface Fences {
  readonly find: (task: WaitingTask, workspace: WorkspaceView | undefined) => Hindrance | undefined;
  readonly take: (task: WaitingTask) => void;
}

export function createFences({ tasks }: Snapshot): Fences {
  /** Given away by this pass. */
  const taken = new Map<WorkspaceId, TaskId>();
  const first = firstInOrder(tasks);
  return {
    find: (task, workspace) => {
      if (workspace?.lock) return { rule: 'locked', sentence: describeLock(workspace.lock) };
      if (!task.mayApply) return undefined;
      const hold = taken.get(task.workspaceId) ?? workspace?.hold ?? null;
      if (hold === task.id) return undefined;
      if (hold !== null) return { rule: 'held', sentence: `Task ${hold} holds the workspace until it ends.` };
      const before = first.get(task.workspaceId);
      return before && before.id !== task.id
        ? { rule: 'not_first', sentence: `Task ${before.id} came first and may apply as well.` }
        : undefined;
    },
    take: (task) => {
      if (task.mayApply) taken.set(task.workspaceId, task.id);
    },
  };
}

const describeLock = ({ by, reason }: { by: string; reason: string }): string =>
  `The workspace is locked by ${by}${reason ? `: ${reason}` : ''}.`;

/** The oldest waiting task that may apply, for each workspace. */
function firstInOrder(tasks: readonly WaitingTask[]): Map<WorkspaceId, WaitingTask> {
  const first = new Map<WorkspaceId, WaitingTask>();
  for (const task of tasks) {
    if (!task.mayApply) continue;
    const known = first.get(task.workspaceId);
    if (known === undefined || task.arrival < known.arrival) first.set(task.workspaceId, task);
  }
  return first;
}
