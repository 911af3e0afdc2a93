import * as z from 'zod';
import { Json } from './common.ts';

/** How far an attempt's Terraform is: resources finished of those planned, and those under way. */
export const Progress = z.object({
  done: z.number().int().nonnegative(),
  total: z.number().int().nonnegative(),
  running: z.array(z.string().max(1024)).max(50).default([]),
});
export type Progress = z.infer<typeof Progress>;

/** A resource that was seen finished and that the last state does not hold as it should be. */
export const UnrecordedResource = z.object({
  address: z.string().max(1024),
  action: z.string().max(64),
  id: z.string().max(1024).nullable(),
});
export type UnrecordedResource = z.infer<typeof UnrecordedResource>;

/** One resource of a plan. Values marked sensitive are replaced by `{"$sensitive": true}`. */
export const ResourceChange = z.object({
  address: z.string(),
  previous_address: z.string().nullable().default(null),
  module_address: z.string().nullable().default(null),
  mode: z.string(),
  type: z.string(),
  name: z.string(),
  index: z.union([z.string(), z.number()]).nullable().default(null),
  provider: z.string(),
  actions: z.array(z.string()),
  reason: z.string().nullable().default(null),
  importing: z.boolean().default(false),
  before: Json,
  after: Json,
  after_unknown: Json,
});
export type ResourceChange = z.infer<typeof ResourceChange>;
export const OutputChange = z.object({
  name: z.string(),
  actions: z.array(z.string()),
  sensitive: z.boolean(),
  before: Json,
  after: Json,
  after_unknown: Json,
});
export type OutputChange = z.infer<typeof OutputChange>;

const Count = z.number().int().min(0).max(2_147_483_647);
export const PlanCounts = z.object({ add: Count, change: Count, destroy: Count, replace: Count, import: Count });
export type PlanCounts = z.infer<typeof PlanCounts>;

/** What a plan would do, as structure. */
export const PlanDetails = z.object({
  counts: PlanCounts,
  has_changes: z.boolean().describe('False when applying it would do nothing at all.'),
  terraform_version: z.string(),
  resource_changes: z.array(ResourceChange),
  output_changes: z.array(OutputChange),
  truncated: z.boolean().default(false).describe('True when values were left out because the whole was too large.'),
});
export type PlanDetails = z.infer<typeof PlanDetails>;
