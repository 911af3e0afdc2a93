import type { Policy } from './policy.ts';

/** On a workspace, its administrators say who else may do what there, never above themselves. */
export const grantPolicy: Policy<'grant'> = { 'grant:read': 'operator', 'grant:write': 'admin' };
