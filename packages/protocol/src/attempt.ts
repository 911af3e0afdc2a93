import * as z from 'zod';
import { Checksum, Json, Time } from './common.ts';
import { AttemptId, ConfigurationId, ResourceId, TaskId, WorkspaceId } from './ids.ts';
import { PlanDetails, Progress, UnrecordedResource } from './plan.ts';
import {
  Action,
  CancelLevel,
  ExecutionMode,
  Permit,
  Phase,
  Stage,
  TaskType,
  Tool,
  VariableCategory,
  Verdict,
} from './words.ts';

/** Largest plan bundle. */
export const MAX_PLAN_BYTES = 256 * 1024 * 1024;

/** Prefix of an attempt's own credential: `att_` and the secret the agent made. The server keeps only its SHA-256. */
export const ATTEMPT_TOKEN_PREFIX = 'att_';

export const AcceptRequest = z.object({
  attempt_id: AttemptId,
  secret_hash: Checksum.describe('SHA-256 of the secret, without prefix.'),
});
export type AcceptRequest = z.infer<typeof AcceptRequest>;
export const AcceptAnswer = z.object({
  attempt_id: AttemptId,
  epoch: z.number(),
  lease_seconds: z.number(),
  cancel_level: CancelLevel,
});
export type AcceptAnswer = z.infer<typeof AcceptAnswer>;
export const RejectRequest = z.object({ attempt_id: AttemptId, reason: z.string().max(500) });
export type RejectRequest = z.infer<typeof RejectRequest>;

export const DataVariable = z.object({
  key: z.string(),
  value: z.string(),
  category: VariableCategory,
  hcl: z.boolean(),
  sensitive: z.boolean(),
});
export type DataVariable = z.infer<typeof DataVariable>;

/** Everything an attempt needs but the large bytes, which have routes of their own. */
export const TaskData = z.object({
  task: z.object({
    id: TaskId,
    workspace_id: WorkspaceId,
    task_type: TaskType,
    action: Action,
    context: z.record(z.string(), z.unknown()),
    created_at: Time,
    destroy: z.boolean(),
    refresh_only: z.boolean(),
    targets: z.array(z.string()),
    replace: z.array(z.string()),
    parallelism: z.number().nullable(),
  }),
  workspace: z.object({
    workspace_id: WorkspaceId,
    name: z.string(),
    terraform_version: z.string().nullable(),
    tool: Tool,
    execution_mode: ExecutionMode,
    provider_config: Json.nullable(),
    tf_code: z.string().nullable(),
    system_variables: z.record(z.string(), z.string()),
    working_directory: z.string(),
  }),
  resources: z.array(
    z.object({ resource_id: ResourceId, name: z.string(), type: z.string(), version: z.number(), tf_code: z.string() }),
  ),
  variables: z.array(DataVariable),
  state_version: z
    .object({
      version: z.number(),
      content: Json.optional().describe('Left out with ?without=state_content.'),
      checksum: Checksum,
      size: z.number(),
      lineage: z.string(),
      serial: z.number(),
    })
    .nullable(),
  configuration: z
    .object({
      configuration_id: ConfigurationId,
      source: z.enum(['archive', 'inline']),
      checksum: Checksum,
      size: z.number(),
      content: z
        .string()
        .optional()
        .describe('The archive itself in base64 when it is small, which spares a request; else fetch it.'),
    })
    .nullable(),
  plan_file: z
    .object({ attempt_id: AttemptId, checksum: Checksum, size: z.number() })
    .nullable()
    .describe('The plan to apply, for the action `apply`.'),
  attempt: z.object({
    id: AttemptId,
    number: z.number(),
    epoch: z.number(),
    action: Action,
    plan_timeout_seconds: z.number(),
    apply_timeout_seconds: z.number(),
    cancel_level: CancelLevel,
    allowed_providers: z
      .array(z.string())
      .nullable()
      .optional()
      .describe('What the agent may use; the runner refuses before anything of another provider runs. Null is all.'),
  }),
});
export type TaskData = z.infer<typeof TaskData>;
export const TaskDataQuery = z.object({ without: z.enum(['state_content']).optional() });

export const RenewRequest = z.object({
  stage: Stage.optional(),
  progress: Progress.optional(),
  terraform_version: z.string().max(64).optional(),
  last_state: z.object({ lineage: z.string(), serial: z.number() }).nullable().optional(),
});
export type RenewRequest = z.infer<typeof RenewRequest>;
/** What the server wants. The verdict `fenced` means: stop; a plan is killed, an apply gets one SIGINT and its state goes to quarantine. */
export const RenewAnswer = z.object({
  verdict: Verdict,
  lease_seconds: z.number(),
  renew_after_seconds: z.number(),
  cancel_level: CancelLevel,
  log_interval_ms: z.number(),
  watched: z.boolean(),
});
export type RenewAnswer = z.infer<typeof RenewAnswer>;

/** More than any configuration uses; the rest would be found by the next agent. */
export const MOST_PROVIDERS = 500;
/** Hands an attempt back for a passing reason of the host (disk, download, own trouble), or because its agent may not use a provider; the task is queued again. */
export const ReturnRequest = z.object({
  reason: z.string().min(1).max(2000),
  providers: z
    .array(z.string().min(1).max(500))
    .max(MOST_PROVIDERS)
    .optional()
    .describe(
      'What the configuration was found to use; from then on only agents that may use it are offered the task.',
    ),
});
export type ReturnRequest = z.infer<typeof ReturnRequest>;

export const PermitRequest = z.object({ nonce: z.string().min(16).max(128), plan_checksum: Checksum });
export type PermitRequest = z.infer<typeof PermitRequest>;
export const PermitAnswer = z.object({ permit: Permit, epoch: z.number() });
export type PermitAnswer = z.infer<typeof PermitAnswer>;
/** `details` of `permit_refused`: what becomes of the attempt. */
export const PermitRefusal = z.object({
  reason: z.enum(['cancelled', 'locked', 'stale', 'not_approved', 'held', 'revoked']),
});

/** Terraform's LOCK passed on by the relay of an apply; the answer marks the permit used. */
export const StateLockRequest = z.object({ lock_id: z.string().max(128), nonce: z.string().min(16).max(128) });
export type StateLockRequest = z.infer<typeof StateLockRequest>;
export const StateLockAnswer = z.object({ permit: Permit });
export type StateLockAnswer = z.infer<typeof StateLockAnswer>;

/** The stored plan travels as one bundle (tar: plan file, lock file); its details travel as JSON before it. */
export const PlanFileHeaders = z.object({ 'x-content-sha256': Checksum, 'x-plan-sha256': Checksum });
export const PlanReport = z.object({
  details: PlanDetails,
  /** Checksum of the plan file itself: what an approval names. */
  plan_checksum: Checksum,
  /** The state the plan was made from; null when there was none. */
  lineage: z.string().nullable(),
  serial: z.number().nullable(),
});
export type PlanReport = z.infer<typeof PlanReport>;
export const PlanReportAnswer = z.object({
  approved: z.boolean(),
  has_changes: z.boolean(),
  proceed: z.boolean().describe('True: ask for the permit next.'),
});
export type PlanReportAnswer = z.infer<typeof PlanReportAnswer>;

export const StreamEnd = z.object({ phase: Phase, length: z.number().int().nonnegative(), checksum: Checksum });
export type StreamEnd = z.infer<typeof StreamEnd>;
export const StateMark = z.object({ lineage: z.string(), serial: z.number().int().nonnegative(), checksum: Checksum });
export type StateMark = z.infer<typeof StateMark>;

/** The exit record: ends the attempt. Idempotent. */
export const FinishRequest = z.object({
  result: z
    .enum(['succeeded', 'failed', 'cancelled', 'interrupted', 'never_started'])
    .describe(
      'What the runner saw: `interrupted` is a proved death without exit code, `never_started` proves that Terraform was never run for the apply.',
    ),
  failed_at: z.enum(['configuration', 'init', 'plan', 'apply']).nullable().default(null),
  exit_code: z.number().int().nullable(),
  signal: z.string().max(20).nullable(),
  error_message: z.string().max(20_000).nullable().default(null),
  logs: z.array(StreamEnd).max(2),
  plan_checksum: Checksum.nullable().default(null),
  last_state: StateMark.nullable().default(null),
  unrecorded: z
    .array(UnrecordedResource)
    .max(10_000)
    .default([])
    .describe('Resources seen finished that the last state does not hold.'),
  outputs: z.record(z.string(), z.object({ value: Json, sensitive: z.boolean() })).optional(),
  timed_out: z.boolean().default(false),
  duration: z.number().nonnegative().optional(),
  progress: Progress.optional().describe('How far it came: an apply may be over before its last renewal.'),
});
export type FinishRequest = z.infer<typeof FinishRequest>;
export const FinishAnswer = z.object({
  /** True when the server has everything; the folder may be removed. */
  confirmed: z.boolean(),
  missing: z.array(z.enum(['plan_log', 'apply_log', 'plan_file', 'state'])),
});
export type FinishAnswer = z.infer<typeof FinishAnswer>;

/** Progress of an attempt; an ending status counts as `finish` for agents of other makes. */
export const StatusPut = z.object({
  status: z.enum(['running', 'success', 'applied', 'failed', 'cancelled']),
  stage: Stage.optional(),
  progress: Progress.optional(),
  changes_add: z.number().int().nonnegative().optional(),
  changes_change: z.number().int().nonnegative().optional(),
  changes_destroy: z.number().int().nonnegative().optional(),
  duration: z.number().nonnegative().optional(),
  exit_code: z.number().int().nullable().optional(),
  error_message: z.string().max(20_000).optional(),
});
export type StatusPut = z.infer<typeof StatusPut>;
