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
import { mayManage } from './rank.ts';

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

/** What a member has in the organisation: themselves. Everything else comes from grants on workspaces. */
const MEMBER: readonly Permission[] = ['organization:read', 'token:write'];

/** What a role lets do, by the policies. */
export const permissionsOf = (role: Role): ReadonlySet<Permission> =>
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
