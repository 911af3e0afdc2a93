import type { Policy } from './policy.ts';

export const clientPolicy: Policy<'client'> = { 'client:read': 'operator', 'client:write': 'admin' };
