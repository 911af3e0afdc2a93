import type { Policy } from './policy.ts';

export const userPolicy: Policy<'user'> = { 'user:read': 'operator', 'user:write': 'admin' };
