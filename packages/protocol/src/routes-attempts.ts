import { z } from 'zod';
import { AcceptAnswer, AcceptRequest, FinishAnswer, FinishRequest, PermitAnswer, PermitRequest, PlanFileHeaders, PlanReport, PlanReportAnswer, RejectRequest, RenewAnswer, RenewRequest, ReturnRequest, StateLockAnswer, StateLockRequest, StatusPut, TaskData, TaskDataQuery } from './attempt.ts';
import { TaskId } from './ids.ts';
import { LogChunk, LogChunkAnswer } from './log.ts';
import { route } from './route.ts';
import { MAX_STATE_BYTES } from './routes-workspaces.ts';
import { StatePost, StatePostAnswer } from './state.ts';

const act = { who: 'attempt', right: 'act' } as const;
const deliver = { who: 'attempt', right: 'deliver' } as const;
const task = z.object({ task_id: TaskId });
const tag = 'attempt';
/** Largest plan bundle. */
export const MAX_PLAN_BYTES = 256 * 1024 * 1024;
/** Largest log chunk, uncompressed. */
export const MAX_CHUNK_BYTES = 4 * 1024 * 1024;

/** What an attempt says and asks, with its own credential (`accept` and `reject` with the agent's). */
export const attemptRoutes = {
  acceptAttempt: route({ method: 'POST', path: '/agents/tasks/:task_id/accept', tag, summary: 'Accept an offer; the same accept again gets the same answer', access: { who: 'agent' }, params: task, body: AcceptRequest, answer: AcceptAnswer }),
  rejectAttempt: route({ method: 'POST', path: '/agents/tasks/:task_id/reject', tag, summary: 'Refuse an offer', access: { who: 'agent' }, params: task, body: RejectRequest }),
  getTaskData: route({ method: 'GET', path: '/agents/tasks/:task_id/data', tag, summary: 'Everything the attempt needs', access: act, params: task, query: TaskDataQuery, answer: TaskData }),
  getTaskConfiguration: route({ method: 'GET', path: '/agents/tasks/:task_id/configuration', tag, summary: 'The configuration archive', access: act, params: task, rawAnswer: 'application/gzip' }),
  getTaskPlanFile: route({ method: 'GET', path: '/agents/tasks/:task_id/plan-file', tag, summary: 'The stored plan bundle to apply', access: act, params: task, rawAnswer: 'application/x-tar' }),
  getTaskState: route({ method: 'GET', path: '/agents/tasks/:task_id/state', tag, summary: 'The current state for Terraform; 404 when there is none', access: act, params: task, rawAnswer: 'application/json' }),
  renewAttempt: route({ method: 'POST', path: '/agents/tasks/:task_id/renew', tag, summary: 'Renew the lease; the answer says what the server wants', access: deliver, params: task, body: RenewRequest, answer: RenewAnswer }),
  returnAttempt: route({ method: 'POST', path: '/agents/tasks/:task_id/return', tag, summary: 'Hand the attempt back for a passing reason of the host', access: act, params: task, body: ReturnRequest }),
  putPlanFile: route({ method: 'PUT', path: '/agents/tasks/:task_id/plan-file', tag, summary: 'Store the plan bundle, once per attempt', access: act, params: task, headers: PlanFileHeaders, rawBody: { maxBytes: MAX_PLAN_BYTES } }),
  reportPlan: route({ method: 'POST', path: '/agents/tasks/:task_id/plan', tag, summary: 'Report what the stored plan would do', access: act, params: task, body: PlanReport, answer: PlanReportAnswer, maxBodyBytes: 64 * 1024 * 1024 }),
  askPermit: route({ method: 'POST', path: '/agents/tasks/:task_id/permit', tag, summary: 'Ask for the permit to apply; asked again, the same answer', access: act, params: task, body: PermitRequest, answer: PermitAnswer }),
  lockState: route({ method: 'POST', path: '/agents/tasks/:task_id/state-lock', tag, summary: "Terraform's LOCK of an apply; answering it marks the permit used", access: act, params: task, body: StateLockRequest, answer: StateLockAnswer }),
  postState: route({ method: 'POST', path: '/agents/tasks/:task_id/state', tag, summary: 'Store a state written by Terraform; idempotent', access: deliver, params: task, body: StatePost, rawBody: { maxBytes: MAX_STATE_BYTES, jsonToo: true }, answer: StatePostAnswer }),
  appendLog: route({ method: 'POST', path: '/agents/tasks/:task_id/logs/chunk', tag, summary: 'Append to the log at an offset', access: deliver, params: task, body: LogChunk, rawBody: { maxBytes: MAX_CHUNK_BYTES, jsonToo: true }, answer: LogChunkAnswer, maxBodyBytes: 8 * 1024 * 1024 }),
  putStatus: route({ method: 'PUT', path: '/agents/tasks/:task_id/status', tag, summary: 'Status and stage, for agents of other makes', access: act, params: task, body: StatusPut, answer: z.object({ status: z.string() }) }),
  finishAttempt: route({ method: 'POST', path: '/agents/tasks/:task_id/finish', tag, summary: 'The exit record; idempotent', access: deliver, params: task, body: FinishRequest, answer: FinishAnswer, maxBodyBytes: 8 * 1024 * 1024 }),
};
