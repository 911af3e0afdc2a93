import { createWorkspaceHandlers } from './routes.ts';
import { createWorkspacesService, type WorkspacesDeps } from './service.ts';

/** Workspaces: settings, placement, locks. */
export function createWorkspacesModule(deps: WorkspacesDeps) {
  const service = createWorkspacesService(deps);
  return { service, handlers: createWorkspaceHandlers(service) };
}
