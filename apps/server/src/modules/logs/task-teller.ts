import { isTerminal, type TaskId, type TaskStatusAnswer, type ViewerFrame } from '@groundcrew/protocol';

/** What a viewer is told about the task besides its log. */
export interface TaskView extends Pick<TaskStatusAnswer, 'status' | 'stage' | 'progress'> {
  waiting: string | null;
  contact_lost_since: string | null;
}

export interface TaskTellerDeps {
  readTask: (taskId: TaskId) => Promise<TaskView | undefined>;
  send: (frame: ViewerFrame) => Promise<boolean>;
}

/** Sends a `task` frame whenever what people see of the task has changed; asks the store only after a word that it may have. */
export function createTaskTeller(taskId: TaskId, { readTask, send }: TaskTellerDeps) {
  let isStale = true;
  let last = '';
  let seen: TaskView | undefined;
  return {
    changed: (): void => {
      isStale = true;
    },
    status: (): TaskView['status'] => seen?.status ?? 'pending',
    isOver: (): boolean => seen !== undefined && isTerminal(seen.status),
    /** False when the task or the viewer is gone. */
    async tell(): Promise<boolean> {
      if (!isStale) return true;
      isStale = false;
      seen = await readTask(taskId);
      if (seen === undefined) return false;
      const now = JSON.stringify(seen);
      if (now === last) return true;
      last = now;
      return send({ type: 'task', task_id: taskId, ...seen });
    },
  };
}
