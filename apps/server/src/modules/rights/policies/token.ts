import type { Policy } from './policy.ts';

/** For tokens, sessions and the password of one's own: they can do no more than their owner. */
export const tokenPolicy: Policy<'token'> = { 'token:write': 'viewer' };
