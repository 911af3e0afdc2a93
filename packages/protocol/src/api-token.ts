import * as z from 'zod';
import { Time, text } from './common.ts';
import { ApiTokenId, UserId, WorkspaceId } from './ids.ts';
import { Permission } from './words.ts';

/** What a credential is limited to. It never adds to what its owner may do. */
export const CredentialLimits = z.object({
  scopes: z.array(Permission).nullable().describe('Null: everything that its owner may do.'),
  workspace_ids: z
    .array(WorkspaceId)
    .nullable()
    .describe('Null: everywhere. A list: on these workspaces and nowhere else, not in the organisation either.'),
});
export type CredentialLimits = z.infer<typeof CredentialLimits>;
/** What a client may send for {@link CredentialLimits}. */
export const limitsInput = {
  scopes: z.array(Permission).min(1).max(Permission.options.length).nullable().default(null),
  workspace_ids: z.array(WorkspaceId).min(1).max(200).nullable().default(null),
};

export const ApiToken = z.object({
  id: ApiTokenId,
  user_id: UserId,
  name: z.string(),
  kind: z.enum(['api', 'sign_in']),
  automation: z.boolean().optional().describe('A program uses it: what it asks for stands behind what people ask for.'),
  ...CredentialLimits.shape,
  created_at: Time,
  expires_at: Time.nullable(),
  last_used_at: Time.nullable(),
  revoked_at: Time.nullable(),
});
export type ApiToken = z.infer<typeof ApiToken>;
export const ApiTokenCreate = z.object({
  name: text(90).min(1),
  /** Days until it expires; null means never. Default 90. */
  expires_in_days: z.number().int().min(1).max(3650).nullable().default(90),
  /** `sign_in` makes a one-time sign-in token, valid for a day, for another person to log in with. */
  kind: z.enum(['api', 'sign_in']).default('api'),
  automation: z.boolean().optional().describe('For a program: what it asks for stands behind what people ask for.'),
  /** Whose token; default the caller's own. Others need `user:write`. */
  user_id: UserId.optional(),
  ...limitsInput,
});
export type ApiTokenCreate = z.infer<typeof ApiTokenCreate>;
/** The only answer that ever holds the token's text. */
export const ApiTokenCreated = ApiToken.extend({ token: z.string() });
export type ApiTokenCreated = z.infer<typeof ApiTokenCreated>;
