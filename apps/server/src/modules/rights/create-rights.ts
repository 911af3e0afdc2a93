import type { OrganizationRole, Permission, Role, WorkspaceId } from '@groundcrew/protocol';
import type { Rights } from '../../platform/http/index.ts';
import { GRANT_PERMISSIONS, isOfWorkspaces } from './grant-permissions.ts';
import { ROLE_PERMISSIONS } from './roles.ts';

/** What somebody's rights are made of, as the database has it. */
export interface RightsInput {
  readonly role: OrganizationRole;
  /** Roles on single workspaces. */
  readonly grants: Readonly<Record<string, Role>> | null;
  /** What the credential is limited to; null when it is not. */
  readonly scopes: readonly Permission[] | null;
  /** The workspaces it is limited to; it then has no rights outside of them, in the organisation neither. */
  readonly workspaceIds: readonly string[] | null;
}

const NONE: ReadonlySet<Permission> = new Set();
const NO_GRANTS: Rights['onWorkspaces'] = new Map();

/**
 * Puts together what somebody may do. On a workspace the higher of organisation role and grant counts; a credential's limits
 * take away and never add.
 */
export function createRights({ role, grants, scopes, workspaceIds }: RightsInput): Rights {
  const limit = createLimit(scopes);
  const byRole = limit(ROLE_PERMISSIONS[role]);
  if (workspaceIds === null && grants === null) return { everywhere: byRole, onWorkspaces: NO_GRANTS };
  const granted = (id: string): ReadonlySet<Permission> => {
    const grant = grants?.[id];
    return grant === undefined ? NONE : limit(GRANT_PERMISSIONS[grant]);
  };
  const inherited = new Set(workspaceIds === null ? [] : [...byRole].filter(isOfWorkspaces));
  const places = workspaceIds ?? Object.keys(grants ?? {});
  return {
    everywhere: workspaceIds === null ? byRole : NONE,
    onWorkspaces: new Map(places.map((id) => [id as WorkspaceId, inherited.union(granted(id))])),
  };
}

function createLimit(scopes: readonly Permission[] | null) {
  if (scopes === null) return (permissions: ReadonlySet<Permission>) => permissions;
  const allowed = new Set(scopes);
  return (permissions: ReadonlySet<Permission>) => permissions.intersection(allowed);
}
