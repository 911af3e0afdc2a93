import * as z from 'zod';
import { LabelsInput, MaxConcurrentTasks, Metadata, Name, OverlapSeconds, Time, text } from './common.ts';
import { AgentId, AttemptId, PoolId, TaskId, WorkspaceId } from './ids.ts';
import { Action, AgentStatus, CancelLevel, Verdict } from './words.ts';

/** The id an agent chooses for itself: host name plus a random part. */
export const AgentName = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must hold only letters, digits, ".", "_" and "-"');

export const InstalledTool = z.object({ tool: z.enum(['terraform', 'tofu']), version: z.string() });
/** What may stand beside the known capabilities, all together. */
const MOST_CAPABILITIES = 65_536;
export const Capabilities = z
  .looseObject({
    terraform_versions: z.array(text(40)).max(200).default([]).describe('Terraform versions ready to run.'),
    tofu_versions: z.array(text(40)).max(200).default([]),
    /** True when the agent may install versions it does not have. */
    installs_versions: z.boolean().default(false),
    providers: z.array(text(200)).max(500).default([]),
  })
  .refine(
    (given) => JSON.stringify(given).length <= MOST_CAPABILITIES,
    `at most ${MOST_CAPABILITIES} characters as JSON`,
  );
export type Capabilities = z.infer<typeof Capabilities>;
export const AgentPermissions = z.object({
  can_execute_terraform: z.boolean().default(true),
  can_access_secrets: z.boolean().default(true),
  allowed_workspaces: z.array(z.string().max(128)).nullable().default(null),
  allowed_providers: z.array(z.string().max(200)).nullable().default(null),
});
export type AgentPermissions = z.infer<typeof AgentPermissions>;
export const AgentLimits = z.object({ max_concurrent_jobs: z.number().int().min(1).max(1000).default(3) });
export type AgentLimits = z.infer<typeof AgentLimits>;

/** Same body over HTTP and over the control socket. */
export const Heartbeat = z.object({
  agent_id: AgentName,
  busy: z.boolean().default(false),
  plan_tasks_running: z.number().int().min(0).max(100_000).default(0),
  plan_task_limit: z.number().int().min(0).max(100_000).optional(),
  apply_task_running: z.boolean().default(false),
  current_tasks: z.array(text(64)).max(1000).default([]),
  plan_task_limit_reason: text(500)
    .optional()
    .describe('Why the limit is below what the agent is configured for, as a sentence.'),
  cpu_usage: z.number().min(0).max(1).optional(),
  mem_usage: z.number().min(0).max(1).optional(),
  memory_usage: z.number().min(0).max(1).optional(),
  status: z.enum(['online', 'busy', 'error']).default('online'),
  active_jobs: z.number().int().min(0).max(100_000).default(0),
  total_jobs: z.number().int().min(0).default(0),
  version: text(64).default(''),
  timestamp: text(64).optional(),
  instance: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe('Which start of the agent says this; an older one than the present is told to drain.'),
  draining: z.boolean().optional().describe('It takes nothing new and leaves when it is idle.'),
  leaving: z.boolean().optional().describe('Its last word: this process ends now, and the agent is offline at once.'),
});
export type Heartbeat = z.infer<typeof Heartbeat>;
/** What the server wants of one attempt that the agent holds. */
export const DesiredAttempt = z.object({
  attempt_id: AttemptId,
  task_id: TaskId,
  cancel_level: CancelLevel,
  verdict: Verdict,
});
export type DesiredAttempt = z.infer<typeof DesiredAttempt>;
export const HeartbeatAnswer = z.object({
  attempts: z.array(DesiredAttempt),
  drain: z.boolean(),
  log_interval_ms: z.number(),
  configuration_revision: z.number(),
  renew_credentials: z.boolean(),
});
export type HeartbeatAnswer = z.infer<typeof HeartbeatAnswer>;

export const Agent = z.object({
  id: AgentId,
  agent_id: z.string().nullable(),
  name: z.string(),
  description: z.string(),
  agent_type: z.enum(['remote', 'k8s']),
  pool_id: PoolId.nullable(),
  status: AgentStatus,
  labels: z.array(z.string()),
  capabilities: Capabilities,
  permissions: AgentPermissions,
  limits: AgentLimits.describe('What counts: the smaller of what the agent says of itself and `max_concurrent_tasks`.'),
  max_concurrent_tasks: MaxConcurrentTasks.nullable()
    .optional()
    .describe('What an administrator allows it at once; null leaves it to the agent.'),
  endpoint: z.string().nullable(),
  version: z.string().nullable(),
  token_expires_at: Time.nullable(),
  last_heartbeat_at: Time.nullable(),
  last_heartbeat: Heartbeat.nullable(),
  connected: z.boolean().describe('The command socket is open.'),
  draining: z.boolean(),
  running_attempts: z.number(),
  total_tasks: z.number(),
  success_tasks: z.number(),
  failed_tasks: z.number(),
  metadata: z.record(z.string(), z.string()),
  created_at: Time,
  updated_at: Time,
  deleted_at: Time.nullable(),
});
export type Agent = z.infer<typeof Agent>;
export const AgentCreate = z.object({
  name: Name,
  description: text(1000).default(''),
  pool_id: PoolId.nullable().default(null),
  labels: LabelsInput.default([]),
  permissions: AgentPermissions.default({
    can_execute_terraform: true,
    can_access_secrets: true,
    allowed_workspaces: null,
    allowed_providers: null,
  }),
  limits: AgentLimits.optional().describe('The same as `max_concurrent_tasks`.'),
  max_concurrent_tasks: MaxConcurrentTasks.nullable().optional(),
  agent_id: AgentName.optional().describe(
    "The id it will sign on with. So a static pool lists a member that comes with the pool's token.",
  ),
  metadata: Metadata.default({}),
  token_expires_in_days: z.number().int().min(1).max(3650).default(365),
});
export type AgentCreate = z.infer<typeof AgentCreate>;
/** Fields that are not given stay as they are. */
export const AgentUpdate = z.object({
  name: Name.optional(),
  description: text(1000).optional(),
  pool_id: PoolId.nullable().optional(),
  labels: LabelsInput.optional(),
  permissions: AgentPermissions.optional(),
  limits: AgentLimits.optional().describe('The same as `max_concurrent_tasks`.'),
  max_concurrent_tasks: MaxConcurrentTasks.nullable().optional(),
  metadata: Metadata.optional(),
  draining: z.boolean().optional(),
});
export type AgentUpdate = z.infer<typeof AgentUpdate>;
/** The only answers that ever hold the token's text (`agt_…`). */
export const AgentWithToken = Agent.extend({ token: z.string() });
export type AgentWithToken = z.infer<typeof AgentWithToken>;
export const AgentTokenCreate = z.object({
  expires_in_days: z.number().int().min(1).max(3650).default(365),
  overlap_seconds: OverlapSeconds.default(0).describe('How long the old token counts beside the new one.'),
});
export type AgentTokenCreate = z.infer<typeof AgentTokenCreate>;
export const DeleteQuery = z.object({ force: z.enum(['true', 'false']).default('false') });
export const AgentStatusAnswer = Agent.pick({
  id: true,
  agent_id: true,
  status: true,
  last_heartbeat_at: true,
  connected: true,
  draining: true,
  running_attempts: true,
});
export const CommandChannelStatus = z.object({
  connected: z.boolean(),
  since: Time.nullable(),
  last_message_at: Time.nullable(),
  replica: z.string().nullable(),
  unsent: z.number(),
});

export const Register = z.object({
  name: text(90).min(1),
  agent_id: AgentName,
  pool_id: PoolId.optional(),
  version: text(64).default(''),
  labels: LabelsInput.default([]),
  capabilities: Capabilities.prefault({}),
  limits: AgentLimits.prefault({}),
  machine_id: text(128).default(''),
  boot_id: text(128).default(''),
  folder_id: text(128)
    .default('')
    .describe('Tells the work folder from a copy of it on the same machine; the agent is where its folder is.'),
  /** Rises with every start of the same agent; the higher one replaces the lower. */
  instance: z.number().int().nonnegative().default(0),
});
export type Register = z.infer<typeof Register>;
export const RegisterAnswer = z.object({
  id: AgentId,
  pool_id: PoolId,
  token: z.string().describe('A JWT, 15 minutes; register again in good time.'),
  expires_at: Time,
  expires_in_seconds: z
    .number()
    .optional()
    .describe('The same as a length of time, for agents whose clock is wrong; older servers do not say it.'),
  heartbeat_interval_seconds: z.number(),
  server_version: z.string(),
  features: z.array(z.string()),
});
export type RegisterAnswer = z.infer<typeof RegisterAnswer>;

/** An order is an offer: it counts once accepted. It holds no secret. */
export const OfferedAttempt = z.object({ id: AttemptId, epoch: z.number(), offer_expires_at: Time });
export type OfferedAttempt = z.infer<typeof OfferedAttempt>;
export const Pull = z.object({
  free_slots: z.number().int().min(0).max(1000).default(1),
  attempts: z.array(AttemptId).max(1000).default([]).describe('Attempts the agent holds.'),
  wait_seconds: z.number().min(0).max(25).default(25),
});
export type Pull = z.infer<typeof Pull>;
export const PullAnswer = z.object({
  task_id: TaskId,
  workspace_id: WorkspaceId,
  action: Action,
  terraform_version: z.string().nullable(),
  tool: z.enum(['terraform', 'tofu']),
  tf_json: z.record(z.string(), z.unknown()),
  variables: z.record(z.string(), z.unknown()).describe('Values that are not sensitive; the others come with `data`.'),
  state_json: z.record(z.string(), z.unknown()),
  attempt: OfferedAttempt,
});
export type PullAnswer = z.infer<typeof PullAnswer>;
