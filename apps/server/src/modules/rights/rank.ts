import type { OrganizationRole } from '@groundcrew/protocol';

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
