import type { Policy } from './policy.ts';

export const poolPolicy: Policy<'pool'> = { 'pool:read': 'viewer', 'pool:write': 'admin' };
