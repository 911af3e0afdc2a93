import * as z from 'zod';
import { Name, Time } from './common.ts';
import { OrganizationId, UserId } from './ids.ts';
import { MachineClient } from './machine-client.ts';
import { OrganizationRole, Permission } from './words.ts';

export const Organization = z.object({ id: OrganizationId, name: z.string(), created_at: Time });
export type Organization = z.infer<typeof Organization>;

export const User = z.object({
  id: UserId,
  name: z.string(),
  email: z.string().nullable(),
  role: OrganizationRole,
  has_password: z.boolean().describe('Whether they can sign in with a password.'),
  signs_on_elsewhere: z.boolean().describe('Whether they have signed on through the OpenID provider.'),
  created_at: Time,
  updated_at: Time,
});
export type User = z.infer<typeof User>;
export const UserCreate = z.object({ name: Name, email: z.email().max(254).nullish(), role: OrganizationRole });
export type UserCreate = z.infer<typeof UserCreate>;
export const UserUpdate = UserCreate.partial();
export type UserUpdate = z.infer<typeof UserUpdate>;

/** Who the caller is and what they may do: in the organisation, and besides on single workspaces. */
export const Me = z.object({
  organization: Organization,
  user: User.nullable().describe('Null for a machine client.'),
  client: MachineClient.nullable().describe('Null for a person.'),
  permissions: z.array(Permission).describe('In the whole organisation, with this credential.'),
  workspaces: z.array(
    z.object({ workspace_id: z.string(), permissions: z.array(Permission).describe('On this workspace.') }),
  ),
});
export type Me = z.infer<typeof Me>;
