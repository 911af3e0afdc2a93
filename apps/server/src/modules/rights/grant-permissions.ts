import type { Permission, Role } from '@groundcrew/protocol';
import { permissionsOf } from './roles.ts';

/** The nouns that live in a workspace; only what is done to these can be granted on one. */
const NOUNS_OF_WORKSPACES = new Set(['workspace', 'variable', 'configuration', 'task', 'state', 'grant']);

export const isOfWorkspaces = (permission: Permission): boolean =>
  NOUNS_OF_WORKSPACES.has(permission.slice(0, permission.indexOf(':')));

const grantedBy = (role: Role): ReadonlySet<Permission> => new Set([...permissionsOf(role)].filter(isOfWorkspaces));

/** What a role on a single workspace lets do there. */
export const GRANT_PERMISSIONS: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  viewer: grantedBy('viewer'),
  planner: grantedBy('planner'),
  operator: grantedBy('operator'),
  admin: grantedBy('admin'),
  owner: grantedBy('owner'),
};
