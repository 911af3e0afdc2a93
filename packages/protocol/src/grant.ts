import * as z from 'zod';
import { PageQuery, Time } from './common.ts';
import { GrantId, UserId, WorkspaceId } from './ids.ts';
import { Role } from './words.ts';

/** A role that a user has on one workspace, beside the one in the organisation; the higher of the two counts. */
export const Grant = z.object({
  id: GrantId,
  workspace_id: WorkspaceId,
  workspace_name: z.string(),
  user_id: UserId,
  user_name: z.string(),
  role: Role,
  created_by: z.string(),
  created_at: Time,
});
export type Grant = z.infer<typeof Grant>;
/** Gives the role, or another one in the place of the one that the user has there. */
export const GrantCreate = z.object({
  workspace_id: z.string().min(1).max(128).describe('Id or name of the workspace.'),
  user_id: UserId,
  role: Role,
});
export type GrantCreate = z.infer<typeof GrantCreate>;
export const GrantQuery = PageQuery.extend({
  workspace_id: z.string().max(128).optional().describe('Id or name.'),
  user_id: UserId.optional(),
});
export type GrantQuery = z.infer<typeof GrantQuery>;
