import {
  isTerminal,
  type Task,
  type TaskCreate,
  type TaskEvent,
  type TaskId,
  type Workspace,
} from '@groundcrew/protocol';
import type { RunningServer } from './server.ts';

type TaskInput = { [K in keyof TaskCreate]?: TaskCreate[K] | undefined };

/** Asks for a plan and apply, unless told otherwise. */
export const createTask = (server: RunningServer, workspace: Workspace, input: TaskInput = {}): Promise<Task> =>
  server.client.call('createTask', {
    body: { workspace_id: workspace.workspace_id, task_type: 'plan_and_apply', ...input } as TaskCreate,
  });

export const getTask = ({ client }: RunningServer, id: TaskId): Promise<Task> =>
  client.call('getTask', { params: { task_id: id } });

/** The task, once it is as wanted; a task that ended otherwise ends the wait. */
export function waitForTask(
  server: RunningServer,
  id: TaskId,
  what: string,
  isSo: (task: Task) => boolean,
  timeoutMs = 60_000,
): Promise<Task> {
  let last = '';
  const describe = () => `task ${id} is ${what} (last seen: ${last})`;
  return server
    .until(
      `task ${id} is ${what}`,
      async () => {
        const task = await getTask(server, id);
        last = `${task.status}, ${task.stage}, ${JSON.stringify(task.reason ?? task.waiting)}, ${task.error_message}`;
        if (isSo(task)) return task;
        if (isTerminal(task.status)) throw new Error(`The task ended before ${describe()}`);
        return undefined;
      },
      timeoutMs,
    )
    .catch((error: Error) => {
      throw new Error(`${error.message}\n${describe()}`, { cause: error });
    });
}

/** Ended, or in need of a person. */
const isSettled = (task: Task): boolean => isTerminal(task.status) || task.status === 'needs_attention';

export const waitForEnd = (server: RunningServer, id: TaskId, timeoutMs?: number): Promise<Task> =>
  waitForTask(server, id, 'over', isSettled, timeoutMs);

/** Waits until the task asks for approval, or ends because there is nothing to approve. */
export const waitForPlan = (server: RunningServer, id: TaskId): Promise<Task> =>
  waitForTask(server, id, 'planned', (task) => task.status === 'awaiting_approval' || isSettled(task));

/** Approves the plan that stands in the task. */
export function approve({ client }: RunningServer, task: Task): Promise<Task> {
  if (task.plan === null) throw new Error(`Task ${task.id} has no plan to approve.`);
  const body = { plan_checksum: task.plan.checksum };
  return client.call('approveTask', { params: { task_id: task.id }, body });
}

/** Asks, approves when asked, and gives the task as it ended. */
export async function runTask(server: RunningServer, workspace: Workspace, input: TaskInput = {}): Promise<Task> {
  const { id } = await createTask(server, workspace, input);
  const planned = await waitForPlan(server, id);
  if (planned.status === 'awaiting_approval') await approve(server, planned);
  return waitForEnd(server, id);
}

export const cancel = ({ client }: RunningServer, id: TaskId, level: 1 | 2 | 3 = 1): Promise<Task> =>
  client.call('cancelTask', { params: { task_id: id }, body: { level } });

export async function listEvents({ client }: RunningServer, id: TaskId): Promise<TaskEvent[]> {
  const { items } = await client.call('listTaskEvents', { params: { task_id: id }, query: { limit: 200 } });
  return items;
}

export async function listAttempts({ client }: RunningServer, id: TaskId) {
  const { items } = await client.call('listAttempts', { params: { task_id: id } });
  return items;
}
