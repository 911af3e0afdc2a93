import type { Policy } from './policy.ts';

/** A state is full of secrets. */
export const statePolicy: Policy<'state'> = { 'state:read': 'operator', 'state:write': 'admin' };
