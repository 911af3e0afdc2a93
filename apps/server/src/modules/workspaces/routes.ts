import type { Handlers } from '../../platform/http/index.ts';
import type { WorkspacesService } from './service.ts';

export function createWorkspaceHandlers(workspaces: WorkspacesService) {
  return {
    listWorkspaces: ({ caller, query }) => workspaces.list(caller, query),
    createWorkspace: ({ caller, body }) => workspaces.create(caller, body),
    getWorkspace: ({ caller, params }) => workspaces.get(caller.organizationId, params.workspace_id),
    updateWorkspace: ({ caller, params, body }) => workspaces.update(caller, params.workspace_id, body),
    deleteWorkspace: ({ caller, params, query }) =>
      workspaces.remove(caller, params.workspace_id, query.force === 'true'),
    lockWorkspace: ({ caller, params, body }) => workspaces.lock(caller, params.workspace_id, body.reason),
    unlockWorkspace: ({ caller, params, query }) =>
      workspaces.unlock(caller, params.workspace_id, query.acknowledge === 'true'),
  } satisfies Partial<Handlers>;
}
