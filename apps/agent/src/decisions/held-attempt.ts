import type { Action, AttemptId, RunTask, TaskId } from '@groundcrew/protocol';

/** An attempt this agent holds, from the moment it was taken until its folder is gone. */
export interface HeldAttempt {
  attemptId: AttemptId;
  taskId: TaskId;
  action: Action;
}

export const heldOf = ({ attempt, task_id, action }: RunTask): HeldAttempt => ({
  attemptId: attempt.id,
  taskId: task_id,
  action,
});
