import type { Policy } from './policy.ts';

/** Reading never shows a sensitive value. */
export const variablePolicy: Policy<'variable'> = { 'variable:read': 'viewer', 'variable:write': 'operator' };
