import * as z from 'zod';
import { AgentName, Heartbeat, HeartbeatAnswer, OfferedAttempt } from './agent.ts';
import { AcceptAnswer, AcceptRequest } from './attempt.ts';
import { ErrorCode } from './errors.ts';
import { AttemptId, TaskId, WorkspaceId } from './ids.ts';
import { Action, CancelLevel, Tool } from './words.ts';

const frame = <T extends string, P extends z.ZodType>(type: T, payload: P) =>
  z.object({ type: z.literal(type), id: z.string().min(1).max(64), payload });

/** An order on the command socket: an offer until it is accepted. */
export const RunTask = z.object({
  task_id: TaskId,
  workspace_id: WorkspaceId,
  action: Action,
  attempt: OfferedAttempt,
  tool: Tool.default('terraform'),
  terraform_version: z.string().nullable().default(null),
});
export type RunTask = z.infer<typeof RunTask>;
export const CancelTask = z.object({ task_id: TaskId, attempt_id: AttemptId, level: CancelLevel });
export type CancelTask = z.infer<typeof CancelTask>;

/** Server → agent. A frame with `reply` answers the agent's frame of that id. */
export const ServerFrame = z.discriminatedUnion('type', [
  frame(
    'hello_ack',
    z.object({ heartbeat_interval_seconds: z.number(), server_version: z.string(), heartbeat: HeartbeatAnswer }),
  ),
  frame('run_task', RunTask),
  frame('cancel_task', CancelTask),
  frame('start_realtime_stream', z.object({ task_id: TaskId })),
  frame('stop_realtime_stream', z.object({ task_id: TaskId })),
  frame('drain', z.object({ reason: z.string() })),
  frame('refresh_credentials', z.object({})),
  frame('heartbeat_ack', z.object({ reply: z.string(), answer: HeartbeatAnswer })),
  frame('accept_ack', z.object({ reply: z.string(), answer: AcceptAnswer })),
  frame('refused', z.object({ reply: z.string(), code: ErrorCode, error: z.string() })),
]);
export type ServerFrame = z.infer<typeof ServerFrame>;

/** Agent → server. */
export const AgentFrame = z.discriminatedUnion('type', [
  frame(
    'hello',
    z.object({
      agent_id: AgentName,
      instance: z.number().int().nonnegative(),
      version: z.string().max(64),
      attempts: z.array(AttemptId).max(1000),
      free_slots: z.number().int().nonnegative(),
    }),
  ),
  frame('heartbeat', Heartbeat),
  frame('accept', AcceptRequest.extend({ task_id: TaskId })),
  frame('reject', z.object({ task_id: TaskId, attempt_id: AttemptId, reason: z.string().max(500) })),
  frame(
    'task_completed',
    z.object({
      task_id: TaskId,
      attempt_id: AttemptId,
      status: z.string().max(64),
      exit_code: z.number().int().nullable(),
      duration: z.number().optional(),
    }),
  ),
  frame(
    'task_failed',
    z.object({
      task_id: TaskId,
      attempt_id: AttemptId,
      status: z.string().max(64).default('failed'),
      exit_code: z.number().int().nullable().default(null),
      duration: z.number().optional(),
      error_message: z.string().max(20_000),
    }),
  ),
]);
export type AgentFrame = z.infer<typeof AgentFrame>;

/** Query of `GET /agents/control`. */
export const ControlQuery = z.object({ agent_id: AgentName });
/** Silence after which either side of the command socket takes the other for gone. */
export const CONTROL_SILENCE_SECONDS = 60;
