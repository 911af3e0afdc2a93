import { type OrganizationRole, Permission, type Role } from '@groundcrew/protocol';
import { agentPolicy } from './policies/agent.ts';
import { auditPolicy } from './policies/audit.ts';
import { clientPolicy } from './policies/client.ts';
import { configurationPolicy } from './policies/configuration.ts';
import { grantPolicy } from './policies/grant.ts';
import { organizationPolicy } from './policies/organization.ts';
import { poolPolicy } from './policies/pool.ts';
import { statePolicy } from './policies/state.ts';
import { taskPolicy } from './policies/task.ts';
import { tokenPolicy } from './policies/token.ts';
import { userPolicy } from './policies/user.ts';
import { variablePolicy } from './policies/variable.ts';
import { workspacePolicy } from './policies/workspace.ts';

/** The least role for every permission there is; one that no policy names is a mistake of types. */
const LEAST_ROLE: Readonly<Record<Permission, Role>> = {
  ...organizationPolicy,
  ...userPolicy,
  ...tokenPolicy,
  ...grantPolicy,
  ...clientPolicy,
  ...workspacePolicy,
  ...variablePolicy,
  ...configurationPolicy,
  ...taskPolicy,
  ...statePolicy,
  ...agentPolicy,
  ...poolPolicy,
  ...auditPolicy,
};

const RANK: Readonly<Record<OrganizationRole, number>> = {
  member: -1,
  viewer: 0,
  planner: 1,
  operator: 2,
  admin: 3,
  owner: 4,
};

/** Whether somebody of one role may change, act for, or appoint somebody of the other: nobody reaches above themselves. */
export const mayManage = (role: OrganizationRole, other: OrganizationRole): boolean => RANK[role] >= RANK[other];

/** What a member has in the organisation: themselves. Everything else comes from grants on workspaces. */
const MEMBER: readonly Permission[] = ['organization:read', 'token:write'];

const permissionsOf = (role: Role): ReadonlySet<Permission> =>
  new Set(Permission.options.filter((permission) => mayManage(role, LEAST_ROLE[permission])));

/** What each role may do: the one table, made of the policies. */
export const ROLE_PERMISSIONS: Readonly<Record<OrganizationRole, ReadonlySet<Permission>>> = {
  member: new Set(MEMBER),
  viewer: permissionsOf('viewer'),
  planner: permissionsOf('planner'),
  operator: permissionsOf('operator'),
  admin: permissionsOf('admin'),
  owner: permissionsOf('owner'),
};

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
