import * as z from 'zod';
import { Checksum, Json, PageQuery, Time, text } from './common.ts';
import { AttemptId, StateVersionId, TaskId, WorkspaceId } from './ids.ts';
import { StateStanding } from './words.ts';

/** Largest state that a push accepts. */
export const MAX_STATE_BYTES = 256 * 1024 * 1024;

export const StateVersion = z.object({
  id: StateVersionId,
  workspace_id: WorkspaceId,
  version: z.number(),
  serial: z.number(),
  lineage: z.string(),
  checksum: Checksum,
  size: z.number(),
  standing: StateStanding,
  standing_reason: z.string().nullable(),
  terraform_version: z.string().nullable(),
  resource_count: z.number(),
  outputs: z
    .record(z.string(), z.object({ value: Json, type: Json, sensitive: z.boolean() }))
    .describe('Sensitive values are null.'),
  task_id: TaskId.nullable(),
  attempt_id: AttemptId.nullable(),
  created_by: z.string(),
  message: z.string(),
  created_at: Time,
});
export type StateVersion = z.infer<typeof StateVersion>;

/** A state written during an attempt, as JSON; the raw form has the fields of {@link StateHeaders} in headers and the bytes as body. */
export const StatePost = z.object({
  content: z.union([z.string(), z.record(z.string(), z.unknown())]),
  checksum: Checksum,
  size: z.number().int().nonnegative(),
  lineage: z.string().max(128).optional(),
  serial: z.number().int().nonnegative().optional(),
});
export type StatePost = z.infer<typeof StatePost>;
export const StateHeaders = z.object({
  'x-content-sha256': Checksum,
  'x-state-lineage': z.string().max(128).optional(),
  'x-state-serial': z.coerce.number().int().nonnegative().optional(),
});
export const StatePostAnswer = z.object({ message: z.string(), version: z.number(), standing: StateStanding });
export type StatePostAnswer = z.infer<typeof StatePostAnswer>;

/** A person's push: refuses another lineage or an older serial unless `force`. */
export const StatePushQuery = z.object({
  force: z.enum(['true', 'false']).default('false'),
  message: text(500).optional(),
});
export type StatePushQuery = z.infer<typeof StatePushQuery>;
export const StateRollback = z.object({ version: z.number().int().positive(), message: text(500).default('') });
export type StateRollback = z.infer<typeof StateRollback>;

export const StateListQuery = PageQuery.extend({
  standing: StateStanding.optional().describe('Only versions that stand so, such as quarantined.'),
});
export type StateListQuery = z.infer<typeof StateListQuery>;

/** A person's decision about a quarantined state. */
export const StateDecision = z.object({
  reason: text(500).refine((reason) => reason.trim() !== '', 'must say why'),
});
export const StateAcceptance = StateDecision.extend({
  force: z.boolean().default(false).describe('Accept it although its lineage is not the current one.'),
  discard_older: z
    .boolean()
    .default(false)
    .describe('Decide against what else of the same attempt and lineage waits with a lower serial, in the same act.'),
});
export type StateAcceptance = z.infer<typeof StateAcceptance>;

const ComparedResource = z.object({
  address: z.string(),
  id: z.string().nullable().describe("The provider's own id; null when it has none or it is sensitive."),
  deposed: z
    .string()
    .nullable()
    .describe('Set for an object that waits to be destroyed after its replacement was made.'),
});
const ComparedVersion = StateVersion.pick({
  id: true,
  version: true,
  serial: true,
  lineage: true,
  standing: true,
  resource_count: true,
  terraform_version: true,
  created_at: true,
});

/** What a state holds that the current one does not, by names alone: no value of a state is told. */
export const StateComparison = z.object({
  version: ComparedVersion,
  current: ComparedVersion.nullable(),
  same_lineage: z.boolean().describe('True as well when there is no current state.'),
  serial_ahead: z
    .number()
    .nullable()
    .describe('By how much its serial is ahead of the current one; null without a common lineage.'),
  added: z.array(ComparedResource).describe('Recorded in this version only.'),
  removed: z.array(ComparedResource).describe('Recorded in the current state only.'),
  changed: z.array(ComparedResource.extend({ attributes: z.array(z.string()).describe('Names of what differs.') })),
  unchanged: z.number(),
  outputs: z.object({ added: z.array(z.string()), removed: z.array(z.string()), changed: z.array(z.string()) }),
});
export type StateComparison = z.infer<typeof StateComparison>;
