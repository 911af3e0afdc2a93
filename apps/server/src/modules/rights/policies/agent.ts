import type { Policy } from './policy.ts';

export const agentPolicy: Policy<'agent'> = { 'agent:read': 'viewer', 'agent:write': 'admin' };
