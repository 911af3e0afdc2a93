import * as z from 'zod';

/** Where a workspace's tasks run (`remote` is accepted for `agent`). */
export const ExecutionMode = z.enum(['server', 'agent', 'k8s']);
export type ExecutionMode = z.infer<typeof ExecutionMode>;
/** What a client may send for {@link ExecutionMode}; `remote` becomes `agent`. */
export const ExecutionModeInput = z
  .enum(['server', 'agent', 'k8s', 'remote'])
  .transform((mode): ExecutionMode => (mode === 'remote' ? 'agent' : mode));

/** The program that carries out a workspace's tasks. */
export const Tool = z.enum(['terraform', 'tofu']);
export type Tool = z.infer<typeof Tool>;

/** What was asked for. */
export const TaskType = z.enum(['plan', 'plan_and_apply']);
export type TaskType = z.infer<typeof TaskType>;
/** What a client may send for {@link TaskType}; `plan_apply` and `plan+apply` become `plan_and_apply`. */
export const TaskTypeInput = z
  .enum(['plan', 'plan_and_apply', 'plan_apply', 'plan+apply'])
  .transform((type): TaskType => (type === 'plan' ? 'plan' : 'plan_and_apply'));

/** What one attempt is ordered to do: plan only, apply a stored plan, or both in one go. */
export const Action = z.enum(['plan', 'plan_apply', 'apply']);
export type Action = z.infer<typeof Action>;

/** A part of a task with a log of its own. */
export const Phase = z.enum(['plan', 'apply']);
export type Phase = z.infer<typeof Phase>;

export const TaskStatus = z.enum([
  'pending',
  'running',
  'awaiting_approval',
  'success',
  'applied',
  'failed',
  'cancelled',
  'needs_attention',
]);
export type TaskStatus = z.infer<typeof TaskStatus>;

/** The statuses nothing leads away from. */
export const TERMINAL_TASK_STATUSES = ['success', 'applied', 'failed', 'cancelled'] as const satisfies TaskStatus[];
/** True when a task with this status has ended for good. */
export const isTerminal = (status: TaskStatus): boolean =>
  (TERMINAL_TASK_STATUSES as readonly TaskStatus[]).includes(status);

/** Where inside `running` a task is. */
export const Stage = z.enum(['fetching', 'init', 'planning', 'plan_saved', 'applying', 'saving_state', 'completed']);
export type Stage = z.infer<typeof Stage>;

/** Why a task is where it is. Every code comes with a sentence. */
export const ReasonCode = z.enum([
  'configuration_error',
  'init_error',
  'plan_error',
  'apply_error',
  'cancelled',
  'discarded',
  'timed_out',
  'plan_stale',
  'plan_expired',
  'plan_file_missing',
  'too_many_returns',
  'too_many_losses',
  'contact_lost',
  'interrupted',
  'abandoned',
  'stuck',
  'state_missing',
  'closed',
  'restored',
  'log_incomplete',
]);
export type ReasonCode = z.infer<typeof ReasonCode>;
export const Reason = z.object({ code: ReasonCode, message: z.string() });
export type Reason = z.infer<typeof Reason>;

/** How hard a task is being stopped: 0 not at all, 1 SIGINT, 2 second SIGINT, 3 SIGKILL of Terraform's group. */
export const CancelLevel = z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3)]);
export type CancelLevel = z.infer<typeof CancelLevel>;

export const AttemptState = z.enum(['offered', 'running', 'exited', 'ended']);
export type AttemptState = z.infer<typeof AttemptState>;
/** How an attempt ended. */
export const AttemptOutcome = z.enum(['finished', 'failed', 'cancelled', 'returned', 'lost', 'closed']);
export type AttemptOutcome = z.infer<typeof AttemptOutcome>;
/** The one-time grant that an apply may start. */
export const Permit = z.enum(['none', 'live', 'used', 'withdrawn']);
export type Permit = z.infer<typeof Permit>;
/** What the server says of an attempt's right to act. */
export const Verdict = z.enum(['go_on', 'fenced']);
export type Verdict = z.infer<typeof Verdict>;

export const AgentStatus = z.enum(['offline', 'online', 'busy', 'error']);
export type AgentStatus = z.infer<typeof AgentStatus>;
export const PoolType = z.enum(['static', 'dynamic']);
export type PoolType = z.infer<typeof PoolType>;
export const SelectionStrategy = z.enum(['round_robin', 'least_busy', 'random', 'label_match']);
export type SelectionStrategy = z.infer<typeof SelectionStrategy>;

export const VariableCategory = z.enum(['terraform', 'env']);
export type VariableCategory = z.infer<typeof VariableCategory>;

/** Where a stored state stands: in the line of current states, older than what the same attempt already stored, or held for a person to decide. */
export const StateStanding = z.enum(['current', 'past', 'superseded', 'quarantined', 'discarded']);
export type StateStanding = z.infer<typeof StateStanding>;

/** What somebody may do, from everything to looking on; of an organisation or of one workspace. */
export const Role = z.enum(['owner', 'admin', 'operator', 'planner', 'viewer']);
export type Role = z.infer<typeof Role>;
/** A role in an organisation. A `member` sees only the workspaces that were granted to them. */
export const OrganizationRole = z.enum([...Role.options, 'member']);
export type OrganizationRole = z.infer<typeof OrganizationRole>;

/** What a call needs; which role has which is decided by the server's policies. */
export const Permission = z.enum([
  'organization:read',
  'organization:write',
  'user:read',
  'user:write',
  'token:write',
  'grant:read',
  'grant:write',
  'client:read',
  'client:write',
  'workspace:read',
  'workspace:write',
  'workspace:lock',
  'variable:read',
  'variable:write',
  'configuration:read',
  'configuration:write',
  'task:read',
  'task:plan',
  'task:apply',
  'task:cancel',
  'task:close',
  'state:read',
  'state:write',
  'agent:read',
  'agent:write',
  'pool:read',
  'pool:write',
  'audit:read',
]);
export type Permission = z.infer<typeof Permission>;
