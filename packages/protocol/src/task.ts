import * as z from 'zod';
import { Checksum, Json, PageQuery, Priority, QueryFlag, Time, text } from './common.ts';
import { AgentId, AttemptId, ConfigurationId, TaskId, WorkspaceId } from './ids.ts';
import { Progress } from './plan.ts';
import { TaskVerdict } from './task-verdict.ts';
import {
  Action,
  AttemptOutcome,
  AttemptState,
  CancelLevel,
  Permit,
  Phase,
  Reason,
  Stage,
  TaskStatus,
  TaskType,
  TaskTypeInput,
} from './words.ts';

/** A resource address such as `module.a.aws_instance.b["c"]`, as Terraform's -target and -replace take it. */
export const Address = z
  .string()
  .min(1)
  .max(1024)
  .regex(/^[^\s\p{Cc}-][^\p{Cc}]*$/u, 'must be a resource address');

export const TaskCreate = z
  .object({
    workspace_id: z.string().min(1).max(128).describe('Id or name of the workspace.'),
    task_type: TaskTypeInput,
    destroy: z.boolean().default(false),
    refresh_only: z.boolean().default(false),
    targets: z.array(Address).max(200).default([]),
    replace: z.array(Address).max(200).default([]),
    parallelism: z.number().int().min(1).max(256).nullable().default(null),
    /** Default: the workspace's. */
    auto_approve: z.boolean().optional(),
    /** Default: the workspace's newest. */
    configuration_id: ConfigurationId.optional(),
    priority: Priority.optional().describe(
      'Above the default it needs the permission task:apply. Default 0; -5 for programs.',
    ),
    message: text(1000).default(''),
    context: z.record(z.string().max(128), z.unknown()).default({}),
  })
  .refine((t) => !(t.destroy && t.refresh_only), {
    message: 'a task cannot both destroy and only refresh',
    path: ['refresh_only'],
  });
export type TaskCreate = z.infer<typeof TaskCreate>;

/** The stored plan that waits for approval or was applied. */
export const StoredPlan = z.object({
  attempt_id: AttemptId,
  checksum: Checksum,
  has_changes: z.boolean(),
  lineage: z.string().nullable(),
  serial: z.number().nullable(),
  expires_at: Time,
});
export type StoredPlan = z.infer<typeof StoredPlan>;

export const Task = z.object({
  id: TaskId,
  workspace_id: WorkspaceId,
  workspace_name: z.string(),
  task_type: TaskType,
  action: Action,
  status: TaskStatus,
  stage: Stage.nullable(),
  phase: Phase,
  reason: Reason.nullable(),
  waiting: z.object({ rule: z.string(), message: z.string() }).nullable().describe('Why it is not running yet.'),
  cancel_level: CancelLevel,
  auto_approve: z.boolean(),
  destroy: z.boolean(),
  refresh_only: z.boolean(),
  targets: z.array(z.string()),
  replace: z.array(z.string()),
  parallelism: z.number().nullable(),
  configuration_id: ConfigurationId.nullable(),
  agent_id: AgentId.nullable(),
  agent_name: z.string().nullable(),
  k8s_config_id: z.string().nullable(),
  k8s_pod_name: z.string().nullable(),
  execution_node: z.string().nullable(),
  plan: StoredPlan.nullable(),
  changes_add: z.number().nullable(),
  changes_change: z.number().nullable(),
  changes_destroy: z.number().nullable(),
  changes_replace: z.number().nullable(),
  changes_import: z.number().nullable(),
  progress: Progress.nullable(),
  contact_lost_since: Time.nullable(),
  verdict: TaskVerdict.nullable()
    .optional()
    .describe(
      'Told of a task that is asked for by id: why it needs a person, and what they can do. Null when it does not.',
    ),
  duration: z.number().nullable().describe('Seconds from start to end, or to now.'),
  error_message: z.string().nullable(),
  message: z.string(),
  priority: z.number().optional().describe('Each point counts as a minute of waiting.'),
  context: z.record(z.string(), z.unknown()),
  created_by: z.string(),
  created_at: Time,
  started_at: Time.nullable(),
  completed_at: Time.nullable(),
  plan_output: z.string().optional(),
  apply_output: z.string().optional(),
});
export type Task = z.infer<typeof Task>;

export const TaskQuery = z.object({
  include: z.string().max(64).optional().describe('Comma-separated: plan_output, apply_output.'),
});
export const TaskListQuery = PageQuery.extend({
  workspace_id: z.string().max(128).optional(),
  status: TaskStatus.optional(),
  active: QueryFlag.optional().describe('true: only tasks that have not ended.'),
});
export type TaskListQuery = z.infer<typeof TaskListQuery>;

export const TaskStatusAnswer = Task.pick({
  id: true,
  status: true,
  stage: true,
  reason: true,
  changes_add: true,
  changes_change: true,
  changes_destroy: true,
  duration: true,
  completed_at: true,
  progress: true,
});
export type TaskStatusAnswer = z.infer<typeof TaskStatusAnswer>;

export const ApproveRequest = z.object({ plan_checksum: Checksum, comment: text(1000).default('') });
export type ApproveRequest = z.infer<typeof ApproveRequest>;
export const DiscardRequest = z.object({ reason: text(1000).default('') });
export const CancelRequest = z.object({
  /** 1 SIGINT, 2 second SIGINT, 3 SIGKILL. Above 1 on an apply needs `force`. */
  level: z.union([z.literal(1), z.literal(2), z.literal(3)]).default(1),
  force: z.boolean().default(false),
  reason: text(1000).default(''),
});
export type CancelRequest = z.infer<typeof CancelRequest>;

export const Attempt = z.object({
  id: AttemptId,
  task_id: TaskId,
  number: z.number(),
  epoch: z.number(),
  action: Action,
  state: AttemptState,
  outcome: AttemptOutcome.nullable(),
  outcome_message: z.string().nullable(),
  permit: Permit,
  agent_id: AgentId.nullable(),
  agent_name: z.string().nullable(),
  terraform_version: z.string().nullable(),
  offered_at: Time,
  sent_at: Time.nullable(),
  accepted_at: Time.nullable(),
  lease_until: Time.nullable(),
  exited_at: Time.nullable(),
  ended_at: Time.nullable(),
  exit_code: z.number().nullable(),
  signal: z.string().nullable(),
});
export type Attempt = z.infer<typeof Attempt>;

/** One thing that happened to a task, in order. */
export const TaskEvent = z.object({ seq: z.number(), at: Time, kind: z.string(), message: z.string(), data: Json });
export type TaskEvent = z.infer<typeof TaskEvent>;
