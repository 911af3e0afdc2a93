import * as z from 'zod';
import { Checksum, Json, LabelsInput, MaxConcurrentTasks, Metadata, Name, Time, text } from './common.ts';
import {
  AttemptId,
  ConfigurationId,
  OrganizationId,
  PoolId,
  ResourceId,
  StateVersionId,
  TaskId,
  VariableId,
  WorkspaceId,
} from './ids.ts';
import { ExecutionMode, ExecutionModeInput, Tool, VariableCategory } from './words.ts';

/** An exact version such as `1.11.4`, or null for whatever the agent has on its PATH. */
export const TerraformVersion = z
  .string()
  .max(40)
  .regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/, 'must be an exact version such as 1.11.4');

/** A folder inside the configuration, relative, without `..`. */
export const RelativeFolder = z
  .string()
  .max(512)
  .refine(
    (p) => !p.startsWith('/') && !p.includes('\\') && !p.includes('\0') && !p.split('/').includes('..'),
    'must be a relative folder without ".."',
  );

export const WorkspaceLock = z.object({ by: z.string(), at: Time, reason: z.string() });
export type WorkspaceLock = z.infer<typeof WorkspaceLock>;

/** An attempt that a person closed without proof that its Terraform is dead. */
export const UnprovenAttempt = z.object({
  task_id: TaskId,
  attempt_id: AttemptId,
  attempt_number: z.number(),
  since: Time,
});
export type UnprovenAttempt = z.infer<typeof UnprovenAttempt>;

export const Workspace = z.object({
  workspace_id: WorkspaceId,
  name: z.string(),
  description: z.string(),
  organization_id: OrganizationId,
  tool: Tool,
  terraform_version: z.string().nullable(),
  execution_mode: ExecutionMode,
  agent_pool_id: PoolId.nullable(),
  k8s_config_id: z.string().nullable(),
  labels: z.array(z.string()).describe('Labels an agent must carry to run its tasks.'),
  preferred_labels: z
    .array(z.string())
    .optional()
    .describe('Labels that make an agent the better choice in a pool of strategy label_match.'),
  max_concurrent_tasks: MaxConcurrentTasks.nullable()
    .optional()
    .describe('Its tasks that run at once; null is no limit.'),
  auto_approve: z.boolean(),
  working_directory: z.string(),
  provider_config: Json.nullable(),
  tf_code: z.string().nullable(),
  system_variables: z.record(z.string(), z.string()),
  plan_timeout_seconds: z.number(),
  apply_timeout_seconds: z.number(),
  locked: WorkspaceLock.nullable(),
  unproven_attempts: z
    .array(UnprovenAttempt)
    .optional()
    .describe('Closed without proof that they are dead: their Terraform may still be changing things.'),
  hold_task_id: TaskId.nullable().describe('The task that holds the workspace until it ends.'),
  configuration_id: ConfigurationId.nullable().describe('The newest configuration.'),
  tf_state: z
    .object({
      id: StateVersionId,
      version: z.number(),
      serial: z.number(),
      lineage: z.string(),
      resource_count: z.number(),
      created_at: Time,
    })
    .nullable(),
  quarantined_states: z.number().describe('States held for a person to decide about.'),
  metadata: z.record(z.string(), z.string()),
  created_at: Time,
  updated_at: Time,
});
export type Workspace = z.infer<typeof Workspace>;

export const WorkspaceCreate = z.object({
  name: Name,
  description: text(1000).default(''),
  tool: Tool.default('terraform'),
  terraform_version: TerraformVersion.nullable().default(null),
  execution_mode: ExecutionModeInput.default('server'),
  agent_pool_id: PoolId.nullable().default(null),
  labels: LabelsInput.default([]),
  preferred_labels: LabelsInput.default([]),
  max_concurrent_tasks: MaxConcurrentTasks.nullable().default(null),
  auto_approve: z.boolean().default(false),
  working_directory: RelativeFolder.default(''),
  provider_config: z.record(z.string(), z.unknown()).nullable().default(null),
  tf_code: z.string().max(1_000_000).nullable().default(null),
  plan_timeout_seconds: z.number().int().min(10).max(86_400).default(3_600),
  apply_timeout_seconds: z.number().int().min(10).max(604_800).default(21_600),
  metadata: Metadata.default({}),
});
export type WorkspaceCreate = z.infer<typeof WorkspaceCreate>;
/** Fields that are not given stay as they are. */
export const WorkspaceUpdate = z.object({
  name: Name.optional(),
  description: text(1000).optional(),
  tool: Tool.optional(),
  terraform_version: TerraformVersion.nullable().optional(),
  execution_mode: ExecutionModeInput.optional(),
  agent_pool_id: PoolId.nullable().optional(),
  labels: LabelsInput.optional(),
  preferred_labels: LabelsInput.optional(),
  max_concurrent_tasks: MaxConcurrentTasks.nullable().optional(),
  auto_approve: z.boolean().optional(),
  working_directory: RelativeFolder.optional(),
  provider_config: z.record(z.string(), z.unknown()).nullable().optional(),
  tf_code: z.string().max(1_000_000).nullable().optional(),
  plan_timeout_seconds: z.number().int().min(10).max(86_400).optional(),
  apply_timeout_seconds: z.number().int().min(10).max(604_800).optional(),
  metadata: Metadata.optional(),
});
export type WorkspaceUpdate = z.infer<typeof WorkspaceUpdate>;
export const LockRequest = z.object({ reason: text(500).default('') });
export type LockRequest = z.infer<typeof LockRequest>;

export const Variable = z.object({
  id: VariableId,
  workspace_id: WorkspaceId,
  key: z.string(),
  value: z.string().nullable().describe('Null for a sensitive one: it is write-only.'),
  category: VariableCategory,
  hcl: z.boolean(),
  sensitive: z.boolean(),
  description: z.string(),
  created_at: Time,
  updated_at: Time,
});
export type Variable = z.infer<typeof Variable>;
const VariableKey = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[A-Za-z_][A-Za-z0-9_-]*$/, 'must be an identifier: a letter or "_", then letters, digits, "_" or "-"');
/** A Terraform variable's value may be up to 1 MiB; an environment variable's up to 100 KB (the kernel's limit is 128 KiB). */
export const VariableCreate = z
  .object({
    key: VariableKey,
    value: z.string().max(1_048_576),
    category: VariableCategory.default('terraform'),
    hcl: z.boolean().default(false),
    sensitive: z.boolean().default(false),
    description: text(1000).default(''),
  })
  .refine((v) => !(v.category === 'env' && v.hcl), { message: 'an environment variable cannot be HCL', path: ['hcl'] })
  .refine((v) => v.category !== 'env' || v.value.length <= 100_000, {
    message: 'an environment variable holds at most 100,000 characters',
    path: ['value'],
  });
export type VariableCreate = z.infer<typeof VariableCreate>;
/** Fields that are not given stay as they are; a sensitive variable stays sensitive. */
export const VariableUpdate = z.object({
  key: VariableKey.optional(),
  value: z.string().max(1_048_576).optional(),
  hcl: z.boolean().optional(),
  sensitive: z.boolean().optional(),
  description: text(1000).optional(),
});
export type VariableUpdate = z.infer<typeof VariableUpdate>;

export const Configuration = z.object({
  id: ConfigurationId,
  workspace_id: WorkspaceId,
  number: z.number(),
  source: z.enum(['archive', 'inline']),
  checksum: Checksum,
  size: z.number(),
  files: z.number(),
  message: z.string(),
  created_by: z.string(),
  created_at: Time,
});
export type Configuration = z.infer<typeof Configuration>;
/** Inline configuration: files by relative path, and/or one JSON object that becomes `main.tf.json`. */
export const ConfigurationCreate = z
  .object({
    files: z.record(z.string().min(1).max(512), z.string().max(5_000_000)).optional(),
    tf_json: z.record(z.string(), z.unknown()).optional(),
    message: text(500).default(''),
  })
  .refine((c) => c.files !== undefined || c.tf_json !== undefined, 'give files, tf_json or both');
export type ConfigurationCreate = z.infer<typeof ConfigurationCreate>;

/** A fragment of Terraform code kept beside the configuration, each change a new version. */
export const Resource = z.object({
  resource_id: ResourceId,
  workspace_id: WorkspaceId,
  name: z.string(),
  type: z.string(),
  version: z.number(),
  tf_code: z.string(),
  created_at: Time,
  updated_at: Time,
});
export type Resource = z.infer<typeof Resource>;
export const ResourceCreate = z.object({
  name: Name,
  type: text(128).default('fragment'),
  tf_code: z.string().min(1).max(1_000_000),
});
export type ResourceCreate = z.infer<typeof ResourceCreate>;
export const ResourceUpdate = z.object({
  type: text(128).optional(),
  tf_code: z.string().min(1).max(1_000_000).optional(),
});
export type ResourceUpdate = z.infer<typeof ResourceUpdate>;
