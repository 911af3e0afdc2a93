export {
  type Aggregate,
  type Attempt,
  newAttempt,
  newTask,
  newWorkspace,
  type Task,
} from './aggregate.ts';
