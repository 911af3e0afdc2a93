import * as z from 'zod';
import { Checksum, Json, PageQuery, Time } from './common.ts';
import { OrganizationId } from './ids.ts';

/** What somebody did, as the audit log keeps it: everything that the chain's hash covers but its place in the chain. */
const AuditFields = {
  /** In the order of arrival in the database; numbers may be missing. */
  seq: z.number(),
  /** By the database's clock. */
  at: Time,
  actor_kind: z.enum(['user', 'client', 'agent', 'attempt', 'system']),
  actor_id: z.string().nullable(),
  actor_name: z.string(),
  /** The token's or key's record with which they signed on, where it has one. */
  credential_id: z.string().nullable(),
  action: z.string(),
  noun: z.string(),
  subject_id: z.string().nullable(),
  subject_name: z.string().nullable(),
  address: z.string().nullable(),
  user_agent: z.string().nullable(),
  request_id: z.string().nullable(),
  before: Json.nullable(),
  after: Json.nullable(),
};

/** Who did what to which thing, from where. Secrets never stand in it. */
export const AuditEntry = z.object({
  ...AuditFields,
  /** Its place in the organisation's chain; null for the moment until it is sealed. */
  position: z.number().int().nullable(),
  hash: Checksum.nullable(),
});
export type AuditEntry = z.infer<typeof AuditEntry>;

const Filter = z.string().max(128).optional();
export const AuditQuery = PageQuery.extend({
  noun: Filter,
  subject_id: Filter,
  actor_id: Filter,
  actor_kind: AuditFields.actor_kind.optional(),
  action: Filter,
  request_id: Filter,
  since: Time.optional(),
  until: Time.optional(),
});
export type AuditQuery = z.infer<typeof AuditQuery>;

/** How far an organisation's chain reaches, signed by the server. Kept elsewhere, it shows when the log is cut off later. */
export const AuditHead = z.object({
  organization_id: OrganizationId,
  /** The newest position; 0 while nothing is sealed. */
  position: z.number().int(),
  /** The hash at that position; 64 zeros at position 0. */
  hash: Checksum,
  /** Entries up to this position are from before the server stamped what it writes. */
  unstamped: z.number().int(),
  sealed_at: Time,
  /** Ed25519 over the canonical JSON of the fields above, base64. */
  signature: z.string(),
});
export type AuditHead = z.infer<typeof AuditHead>;
/** Answer of `GET /audit/head`: the head, and with which key its signature is checked. */
export const AuditHeadAnswer = AuditHead.extend({
  /** Ed25519 in SPKI form, base64 of the DER. */
  public_key: z.string(),
});
export type AuditHeadAnswer = z.infer<typeof AuditHeadAnswer>;

/** Entries that an administrator removed from the old end, in their place. */
export const AuditGap = z.object({
  organization_id: OrganizationId,
  from_position: z.number().int(),
  to_position: z.number().int(),
  /** The hash before the first entry that was removed. */
  previous: Checksum,
  /** The hash of the last entry that was removed: the next one follows it. */
  hash: Checksum,
  removed_at: Time,
  removed_by: z.string(),
  reason: z.string(),
  /** Ed25519 over the canonical JSON of the fields above, base64. */
  signature: z.string(),
});
export type AuditGap = z.infer<typeof AuditGap>;

export const AuditExportQuery = z.object({
  /** From the first entry that is not older. Default: from the beginning. */
  since: Time.optional(),
});
export type AuditExportQuery = z.infer<typeof AuditExportQuery>;

/** A line of `GET /audit/export`: one `start`, then gaps and entries by position, then strays, then one `head`. */
export const AuditLine = z.discriminatedUnion('line', [
  z.object({
    line: z.literal('start'),
    version: z.literal(1),
    organization_id: OrganizationId,
    exported_at: Time,
    public_key: z.string(),
    /** What the first entry follows. */
    after: z.object({ position: z.number().int(), hash: Checksum }),
  }),
  z.object({ line: z.literal('gap'), ...AuditGap.shape }),
  z.looseObject({
    line: z.literal('entry'),
    organization_id: OrganizationId,
    position: z.number().int(),
    previous: Checksum,
    hash: Checksum,
    seq: z.number(),
    /** Absent, with all that follows, when the entry is gone and only its place is left. */
    at: Time.optional(),
    action: z.string().optional(),
  }),
  /** Stands in the log's table, and the server did not put it there, or somebody did after its place was sealed. */
  z.looseObject({ line: z.literal('stray'), seq: z.number(), at: Time, action: z.string(), why: z.string() }),
  z.object({ line: z.literal('head'), ...AuditHead.shape }),
]);
export type AuditLine = z.infer<typeof AuditLine>;

export const AuditVerifyQuery = z.object({
  /** A head that was kept: the chain must still hold this hash … */
  anchor_hash: Checksum.optional(),
  /** … at this position. */
  anchor_position: z.coerce.number().int().min(0).optional(),
  /** From the first entry that is not older. Default: from the beginning. */
  since: Time.optional(),
});
export type AuditVerifyQuery = z.infer<typeof AuditVerifyQuery>;

/** Whether the log is what was written, and where it first is not. */
export const AuditVerdict = z.object({
  intact: z.boolean(),
  organization_id: z.string().nullable(),
  /** Entries that were checked. */
  entries: z.number().int(),
  /** Entries that were removed with a signed record in their place. */
  removed: z.number().int(),
  /** Up to where the chain is intact. */
  position: z.number().int(),
  hash: z.string(),
  /** The first row that does not fit, as a sentence. */
  problem: z
    .object({ position: z.number().int().nullable(), seq: z.number().nullable(), message: z.string() })
    .nullable(),
});
export type AuditVerdict = z.infer<typeof AuditVerdict>;
