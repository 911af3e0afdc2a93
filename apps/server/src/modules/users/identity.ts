import type { OrganizationId, OrganizationRole, Permission, Role, UserId } from '@groundcrew/protocol';
import { type RawBuilder, sql } from 'kysely';
import { AppError, isWithin, type Rights, type UserIdentity, type Via } from '../../platform/http/index.ts';
import { createRights, mayManage } from '../rights/index.ts';

/** What every credential of a person is looked up with: who it is and what they may do, in one statement. */
export interface IdentityRow {
  user_id: string;
  organization_id: string;
  name: string;
  role: string;
  grants: Record<string, Role> | null;
}

/** The columns of an {@link IdentityRow}, of the user `u`. Null costs one look into an index for who has no grants. */
export const IDENTITY: RawBuilder<unknown> = sql`u.id AS user_id, u.organization_id, u.name, u.role,
  (SELECT jsonb_object_agg(g.workspace_id, g.role) FROM grants g WHERE g.user_id = u.id) AS grants`;

/**
 * Whether the user of this alias is there: neither they nor their organisation were deleted. Asked whenever a credential is
 * looked up, so that one which was made while the organisation was being deleted is of no use either.
 */
export const isLiving = (alias: 'u' | 'users'): RawBuilder<boolean> =>
  sql<boolean>`(${sql.ref(`${alias}.deleted_at`)} IS NULL AND ${isLivingOrganization(sql.ref(`${alias}.organization_id`))})`;

export const isLivingOrganization = (id: RawBuilder<unknown>): RawBuilder<boolean> =>
  sql<boolean>`EXISTS (SELECT FROM organizations living WHERE living.id = ${id} AND living.deleted_at IS NULL)`;

/** What a credential leaves of its owner's rights. */
export interface Limits {
  scopes: Permission[] | null;
  workspace_ids: string[] | null;
}
export const UNLIMITED: Limits = { scopes: null, workspace_ids: null };

export function toIdentity(row: IdentityRow, via: Via, limits: Limits = UNLIMITED): UserIdentity {
  const rights = rightsOf(row, limits);
  return {
    kind: 'user',
    organizationId: row.organization_id as OrganizationId,
    userId: row.user_id as UserId,
    name: row.name,
    role: row.role as OrganizationRole,
    rights,
    permissions: rights.everywhere,
    via,
  };
}

export const rightsOf = ({ role, grants }: Pick<IdentityRow, 'role' | 'grants'>, limits: Limits = UNLIMITED): Rights =>
  createRights({
    role: role as OrganizationRole,
    grants,
    scopes: limits.scopes,
    workspaceIds: limits.workspace_ids,
  });

/** The caller, who must be a person: tokens, sessions and passwords are people's. */
export function demandPerson({ userId, via }: UserIdentity): UserId {
  if (via.kind === 'client')
    throw new AppError('forbidden', 'Only a person may do this; a machine client has no tokens, sessions or password.');
  return userId as UserId;
}

/**
 * Refuses to give, or to take from, somebody who may do more than the caller: nobody reaches above themselves, and a limited
 * credential makes no unlimited one.
 */
export function demandWithin(
  caller: Pick<UserIdentity, 'rights' | 'role'>,
  rights: Rights,
  role: OrganizationRole,
): void {
  if (isWithin(rights, caller.rights)) return;
  throw new AppError(
    'forbidden',
    mayManage(caller.role, role)
      ? 'This reaches further than the credential of this call does; use one that is not limited.'
      : `Your role ${caller.role} is below ${role}; only somebody of that role may do this.`,
  );
}
