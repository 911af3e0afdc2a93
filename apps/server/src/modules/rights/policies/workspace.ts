import type { Policy } from './policy.ts';

export const workspacePolicy: Policy<'workspace'> = {
  'workspace:read': 'viewer',
  'workspace:write': 'admin',
  'workspace:lock': 'operator',
};
