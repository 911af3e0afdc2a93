import type { Policy } from './policy.ts';

/** A planner changes nothing real: whoever may apply decides about the plan. */
export const taskPolicy: Policy<'task'> = {
  'task:read': 'viewer',
  'task:plan': 'planner',
  'task:cancel': 'planner',
  'task:apply': 'operator',
  'task:close': 'admin',
};
