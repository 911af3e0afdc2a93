import type { Handlers } from '../../platform/http/index.ts';
import { createGrantsService, type GrantsDeps } from './service.ts';

/** Who may do what on which workspace, beside their role in the organisation. */
export function createGrantsModule(deps: GrantsDeps) {
  const grants = createGrantsService(deps);
  const handlers = {
    listGrants: ({ caller, query }) => grants.list(caller, query),
    createGrant: ({ caller, body }) => grants.create(caller, body),
    revokeGrant: ({ caller, params }) => grants.revoke(caller, params.grant_id),
  } satisfies Partial<Handlers>;
  return { handlers };
}
