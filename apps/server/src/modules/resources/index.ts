import type { Handlers } from '../../platform/http/index.ts';
import { createResourcesService, type ResourcesDeps } from './service.ts';

/** Resource fragments: versioned pieces of code kept beside the configuration. */
export function createResourcesModule(deps: ResourcesDeps) {
  const service = createResourcesService(deps);
  const handlers = {
    listResources: ({ caller, params, query }) => service.list(caller, params.workspace_id, query),
    createResource: ({ caller, params, body }) => service.create(caller, params.workspace_id, body),
    getResource: ({ caller, params, query }) =>
      service.get(caller, params.workspace_id, params.resource_id, query.version),
    updateResource: ({ caller, params, body }) => service.update(caller, params.workspace_id, params.resource_id, body),
    deleteResource: ({ caller, params }) => service.remove(caller, params.workspace_id, params.resource_id),
  } satisfies Partial<Handlers>;
  return { service, handlers };
}
