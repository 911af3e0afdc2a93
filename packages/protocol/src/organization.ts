import * as z from 'zod';
import { Name, Time, text } from './common.ts';
import { ApiTokenId, OrganizationId, UserId } from './ids.ts';
import { Permission, Role } from './words.ts';

export const Organization = z.object({ id: OrganizationId, name: z.string(), created_at: Time });
export type Organization = z.infer<typeof Organization>;

export const User = z.object({
  id: UserId,
  name: z.string(),
  email: z.string().nullable(),
  role: Role,
  created_at: Time,
  updated_at: Time,
});
export type User = z.infer<typeof User>;
export const UserCreate = z.object({ name: Name, email: z.email().max(254).nullish(), role: Role });
export type UserCreate = z.infer<typeof UserCreate>;
export const UserUpdate = UserCreate.partial();
export type UserUpdate = z.infer<typeof UserUpdate>;

/** Trades the one-time token that the first start prints (or an administrator hands out) for an API token. */
export const SignIn = z.object({ sign_in_token: z.string().min(1).max(256), token_name: text(90).optional() });
export type SignIn = z.infer<typeof SignIn>;

export const ApiToken = z.object({
  id: ApiTokenId,
  user_id: UserId,
  name: z.string(),
  kind: z.enum(['api', 'sign_in']),
  automation: z.boolean().optional().describe('A program uses it: what it asks for stands behind what people ask for.'),
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
});
export type ApiTokenCreate = z.infer<typeof ApiTokenCreate>;
/** The only answer that ever holds the token's text. */
export const ApiTokenCreated = ApiToken.extend({ token: z.string() });
export type ApiTokenCreated = z.infer<typeof ApiTokenCreated>;

/** Who the caller is and what they may do. */
export const Me = z.object({ organization: Organization, user: User, permissions: z.array(Permission) });
export type Me = z.infer<typeof Me>;
