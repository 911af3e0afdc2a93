import type { Handlers } from '../../platform/http/index.ts';
import { createOrganisationsService, type OrganisationsDeps } from './service.ts';

/** Tenants: everything else belongs to one. */
export function createOrganisationsModule(deps: OrganisationsDeps) {
  const service = createOrganisationsService(deps);
  const handlers = { getOrganization: ({ caller }) => service.get(caller.organizationId) } satisfies Partial<Handlers>;
  return { service, handlers };
}
