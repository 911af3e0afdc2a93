import { Permission, type Role } from '@groundcrew/protocol';

const VIEWER: readonly Permission[] = [
  'organization:read',
  'workspace:read',
  'variable:read',
  'configuration:read',
  'task:read',
  'agent:read',
  'pool:read',
  // For tokens of one's own, which can do no more than their owner.
  'token:write',
];
/** Asks for plans, of code they bring, but changes nothing real. */
const PLANNER: readonly Permission[] = [...VIEWER, 'task:plan', 'task:cancel', 'configuration:write'];
/** Runs the workspaces there are. */
const OPERATOR: readonly Permission[] = [
  ...PLANNER,
  'task:apply',
  'workspace:lock',
  'variable:write',
  'state:read',
  'user:read',
];
/** Everything but the organisation itself and its owners. */
const ADMIN: readonly Permission[] = Permission.options.filter((permission) => permission !== 'organization:write');

/** What each role may do: the one table. */
export const ROLE_PERMISSIONS: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  viewer: new Set(VIEWER),
  planner: new Set(PLANNER),
  operator: new Set(OPERATOR),
  admin: new Set(ADMIN),
  owner: new Set(Permission.options),
};

const RANK: Readonly<Record<Role, number>> = { viewer: 0, planner: 1, operator: 2, admin: 3, owner: 4 };

/** Whether somebody of one role may change, act for, or appoint somebody of the other: nobody reaches above themselves. */
export const mayManage = (role: Role, other: Role): boolean => RANK[role] >= RANK[other];
