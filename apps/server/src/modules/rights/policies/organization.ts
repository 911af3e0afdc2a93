import type { Policy } from './policy.ts';

/** Also what `member` has: whoever is signed in may know where. */
export const organizationPolicy: Policy<'organization'> = {
  'organization:read': 'viewer',
  'organization:write': 'owner',
};
