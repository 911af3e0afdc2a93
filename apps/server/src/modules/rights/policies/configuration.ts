import type { Policy } from './policy.ts';

/** Planners bring the code they want planned. */
export const configurationPolicy: Policy<'configuration'> = {
  'configuration:read': 'viewer',
  'configuration:write': 'planner',
};
