import * as z from 'zod';
import { LabelsInput, MaxConcurrentTasks, Metadata, Name, OverlapSeconds, Time, text } from './common.ts';
import { AgentId, PoolId, PoolTokenId } from './ids.ts';
import { PoolType, SelectionStrategy } from './words.ts';

export const Pool = z.object({
  id: PoolId,
  name: z.string(),
  description: z.string(),
  pool_type: PoolType,
  selection_strategy: SelectionStrategy,
  required_labels: z.array(z.string()),
  labels: z.array(z.string()),
  max_plan_concurrency: z.number().describe('Per agent.'),
  allow_apply_concurrent: z.boolean(),
  max_concurrent_tasks: MaxConcurrentTasks.nullable()
    .optional()
    .describe('Tasks that run at once on all its agents together; null is no limit.'),
  built_in: z.boolean().describe("True for the server's own pool, which runs execution mode `server`."),
  agent_ids: z.array(AgentId),
  metadata: z.record(z.string(), z.string()),
  created_at: Time,
  updated_at: Time,
});
export type Pool = z.infer<typeof Pool>;
export const PoolCreate = z.object({
  name: Name,
  description: text(1000).default(''),
  pool_type: PoolType.default('dynamic'),
  selection_strategy: SelectionStrategy.default('round_robin'),
  required_labels: LabelsInput.default([]),
  labels: LabelsInput.default([]),
  max_plan_concurrency: z.number().int().min(1).max(1000).default(3),
  allow_apply_concurrent: z.boolean().default(false),
  max_concurrent_tasks: MaxConcurrentTasks.nullable().default(null),
  metadata: Metadata.default({}),
});
export type PoolCreate = z.infer<typeof PoolCreate>;
/** Fields that are not given stay as they are. */
export const PoolUpdate = z.object({
  name: Name.optional(),
  description: text(1000).optional(),
  pool_type: PoolType.optional(),
  selection_strategy: SelectionStrategy.optional(),
  required_labels: LabelsInput.optional(),
  labels: LabelsInput.optional(),
  max_plan_concurrency: z.number().int().min(1).max(1000).optional(),
  allow_apply_concurrent: z.boolean().optional(),
  max_concurrent_tasks: MaxConcurrentTasks.nullable().optional(),
  metadata: Metadata.optional(),
});
export type PoolUpdate = z.infer<typeof PoolUpdate>;
export const PoolAddAgent = z.object({ agent_id: z.string().min(1).max(128) });

export const PoolToken = z.object({
  id: PoolTokenId,
  pool_id: PoolId,
  name: z.string(),
  created_at: Time,
  expires_at: Time.nullable(),
  last_used_at: Time.nullable(),
  revoked_at: Time.nullable(),
  rotated_from: PoolTokenId.nullable().optional().describe('The token whose place it takes.'),
  agents: z.number().optional().describe('Agents that signed on with it last: what revoking it would cut off.'),
});
export type PoolToken = z.infer<typeof PoolToken>;
export const PoolTokenCreate = z.object({
  name: text(90).default(''),
  expires_in_days: z.number().int().min(1).max(3650).nullable().default(365),
});
export type PoolTokenCreate = z.infer<typeof PoolTokenCreate>;
/** A new token in the place of an old one, which counts on for the overlap. */
export const PoolTokenRotate = z.object({
  overlap_seconds: OverlapSeconds.default(86_400),
  expires_in_days: z.number().int().min(1).max(3650).nullable().default(365),
});
export type PoolTokenRotate = z.infer<typeof PoolTokenRotate>;
/** The only answer that ever holds the token's text (`apt_…`). */
export const PoolTokenCreated = PoolToken.extend({ token: z.string() });
export type PoolTokenCreated = z.infer<typeof PoolTokenCreated>;
