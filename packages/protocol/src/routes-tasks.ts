import * as z from 'zod';
import { PageQuery, pageOf } from './common.ts';
import { TaskId } from './ids.ts';
import { LogPart, LogQuery, LogStreamInfo } from './log.ts';
import { PlanDetails } from './plan.ts';
import { QueueExplanation } from './queue.ts';
import { type Place, route } from './route.ts';
import {
  ApproveRequest,
  Attempt,
  CancelRequest,
  DiscardRequest,
  Task,
  TaskCreate,
  TaskEvent,
  TaskListQuery,
  TaskQuery,
  TaskStatusAnswer,
} from './task.ts';
import { CloseRequest } from './task-verdict.ts';
import type { Permission } from './words.ts';

const user = <P extends Permission>(permission: P, on: Place = 'task') => ({ who: 'user', permission, on }) as const;
const task = z.object({ task_id: TaskId });

/** Tasks as people and pipelines use them. */
export const taskRoutes = {
  createTask: route({
    method: 'POST',
    path: '/tasks',
    tag: 'tasks',
    summary: 'Ask for a plan or a plan and apply',
    access: user('task:plan', 'body'),
    body: TaskCreate,
    answer: Task,
    status: 201,
  }),
  listTasks: route({
    method: 'GET',
    path: '/tasks',
    tag: 'tasks',
    summary: 'Tasks, newest first',
    access: user('task:read', 'listed'),
    query: TaskListQuery,
    answer: pageOf(Task),
  }),
  getTask: route({
    method: 'GET',
    path: '/tasks/:task_id',
    tag: 'tasks',
    summary: 'One task',
    access: user('task:read'),
    params: task,
    query: TaskQuery,
    answer: Task,
  }),
  getTaskStatus: route({
    method: 'GET',
    path: '/tasks/:task_id/status',
    tag: 'tasks',
    summary: 'Status, stage, counts, duration',
    access: user('task:read'),
    params: task,
    answer: TaskStatusAnswer,
  }),
  approveTask: route({
    method: 'POST',
    path: '/tasks/:task_id/approve',
    tag: 'tasks',
    summary: 'Approve the plan with this checksum',
    access: user('task:apply'),
    params: task,
    body: ApproveRequest,
    answer: Task,
  }),
  discardTask: route({
    method: 'POST',
    path: '/tasks/:task_id/discard',
    tag: 'tasks',
    summary: 'Throw the waiting plan away',
    access: user('task:apply'),
    params: task,
    body: DiscardRequest,
    answer: Task,
  }),
  cancelTask: route({
    method: 'POST',
    path: '/tasks/:task_id/cancel',
    tag: 'tasks',
    summary: 'Cancel; the level only rises',
    access: user('task:cancel'),
    params: task,
    body: CancelRequest,
    answer: Task,
    status: 202,
  }),
  closeTask: route({
    method: 'POST',
    path: '/tasks/:task_id/close',
    tag: 'tasks',
    summary:
      'End a task that needs a person, or whose apply is out of contact; its workspace stays locked until the attempt is proved dead',
    access: user('task:close'),
    params: task,
    body: CloseRequest,
    answer: Task,
  }),
  getPlan: route({
    method: 'GET',
    path: '/tasks/:task_id/plan',
    tag: 'tasks',
    summary: 'What the plan would do, secrets stripped',
    access: user('task:read'),
    params: task,
    answer: PlanDetails,
  }),
  listAttempts: route({
    method: 'GET',
    path: '/tasks/:task_id/attempts',
    tag: 'tasks',
    summary: 'Its attempts, newest first',
    access: user('task:read'),
    params: task,
    answer: z.object({ items: z.array(Attempt) }),
  }),
  listTaskEvents: route({
    method: 'GET',
    path: '/tasks/:task_id/events',
    tag: 'tasks',
    summary: 'What happened to it, in order',
    access: user('task:read'),
    params: task,
    query: PageQuery,
    answer: pageOf(TaskEvent),
  }),
  explainTask: route({
    method: 'GET',
    path: '/tasks/:task_id/queue',
    tag: 'tasks',
    summary: 'Why it does not run: its place, the rule that holds it, and agent by agent why not',
    access: user('task:read'),
    params: task,
    answer: QueueExplanation,
  }),
  readLog: route({
    method: 'GET',
    path: '/tasks/:task_id/logs',
    tag: 'logs',
    summary: 'A part of a stored log; `Accept: text/plain` gives the bytes and honours Range',
    access: user('task:read'),
    params: task,
    query: LogQuery,
    answer: LogPart,
    textToo: true,
  }),
  listLogStreams: route({
    method: 'GET',
    path: '/tasks/:task_id/log-streams',
    tag: 'logs',
    summary: 'Its log streams',
    access: user('task:read'),
    params: task,
    answer: z.object({ items: z.array(LogStreamInfo) }),
  }),
};
