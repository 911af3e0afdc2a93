import type { Task, TaskId } from '@groundcrew/protocol';
import type { Handlers, UserCaller } from '../../platform/http/index.ts';
import type { LogsService } from '../logs/index.ts';
import { presentAttempt, presentStatus } from './present.ts';
import type { TasksService } from './service.ts';

/** Tasks as people and pipelines use them. */
export function createTaskHandlers(tasks: TasksService, logs: LogsService) {
  /** The whole output of the newest plan and apply, when it was asked for. */
  async function withOutputs(caller: UserCaller, id: TaskId, include: string | undefined): Promise<Task> {
    const task = await tasks.get(caller, id);
    const wanted = new Set((include ?? '').split(',').map((name) => name.trim()));
    for (const phase of ['plan', 'apply'] as const) {
      if (!wanted.has(`${phase}_output`)) continue;
      const stream = (await logs.listStreams(id)).findLast((s) => s.phase === phase);
      if (stream !== undefined) task[`${phase}_output`] = await logs.readWhole(stream);
    }
    return task;
  }

  return {
    createTask: ({ caller, body }) => tasks.create(caller, body),
    listTasks: ({ caller, query }) => tasks.list(caller, query),
    getTask: ({ caller, params, query }) => withOutputs(caller, params.task_id, query.include),
    getTaskStatus: async ({ caller, params }) => presentStatus(await tasks.find(caller, params.task_id)),
    approveTask: ({ caller, params, body }) => tasks.approve(caller, params.task_id, body),
    discardTask: ({ caller, params, body }) => tasks.discard(caller, params.task_id, body.reason),
    cancelTask: ({ caller, params, body }) => tasks.cancel(caller, params.task_id, body),
    closeTask: ({ caller, params, body }) => tasks.close(caller, params.task_id, body),
    getPlan: ({ caller, params }) => tasks.plan(caller, params.task_id),
    listAttempts: async ({ caller, params }) => {
      await tasks.find(caller, params.task_id);
      return { items: (await tasks.attempts(caller, params.task_id)).map(presentAttempt) };
    },
    listTaskEvents: ({ caller, params, query }) => tasks.events(caller, params.task_id, query),
    explainTask: ({ caller, params }) => tasks.explain(caller, params.task_id),
  } satisfies Partial<Handlers>;
}
