import * as z from 'zod';
import { CredentialLimits, limitsInput } from './api-token.ts';
import { Name, Time, text } from './common.ts';
import { ClientId, PoolId } from './ids.ts';
import { OrganizationRole } from './words.ts';

/** A program that comes with `X-App-Key` and `X-App-Secret`. */
export const MachineClient = z.object({
  id: ClientId,
  name: z.string(),
  description: z.string(),
  app_key: z.string(),
  role: OrganizationRole,
  ...CredentialLimits.shape,
  pool_id: PoolId.nullable().describe('The pool that agents get into which register with the key.'),
  previous_secret_until: Time.nullable().describe('Until when the secret before the last rotation works.'),
  created_by: z.string(),
  created_at: Time,
  updated_at: Time,
  expires_at: Time.nullable(),
  last_used_at: Time.nullable(),
  revoked_at: Time.nullable(),
});
export type MachineClient = z.infer<typeof MachineClient>;
export const MachineClientCreate = z.object({
  name: Name,
  description: text(1000).default(''),
  role: OrganizationRole.default('member'),
  ...limitsInput,
  pool_id: PoolId.nullable().default(null),
  /** Days until it expires; null means never. */
  expires_in_days: z.number().int().min(1).max(3650).nullable().default(365),
});
export type MachineClientCreate = z.infer<typeof MachineClientCreate>;
/** Fields that are not given stay as they are. */
export const MachineClientUpdate = z.object({
  name: Name.optional(),
  description: text(1000).optional(),
  role: OrganizationRole.optional(),
  scopes: CredentialLimits.shape.scopes.optional(),
  workspace_ids: CredentialLimits.shape.workspace_ids.optional(),
  pool_id: PoolId.nullable().optional(),
  expires_in_days: z.number().int().min(1).max(3650).nullable().optional(),
});
export type MachineClientUpdate = z.infer<typeof MachineClientUpdate>;
/** The only answers that ever hold the secret. */
export const MachineClientCreated = MachineClient.extend({ app_secret: z.string() });
export type MachineClientCreated = z.infer<typeof MachineClientCreated>;
export const MachineClientRotate = z.object({
  /** How long the old secret works beside the new one, so that no program is cut off; 0 ends it at once. */
  overlap_seconds: z
    .number()
    .int()
    .min(0)
    .max(30 * 86_400)
    .default(86_400),
});
export type MachineClientRotate = z.infer<typeof MachineClientRotate>;
