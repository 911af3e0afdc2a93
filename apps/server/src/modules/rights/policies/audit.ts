import type { Policy } from './policy.ts';

export const auditPolicy: Policy<'audit'> = { 'audit:read': 'admin' };
