import type { Handlers } from '../../platform/http/index.ts';
import { createVariablesService, type VariablesDeps } from './service.ts';

export { SEALED_VARIABLES } from './sealed-variables.ts';

/** Variables of workspaces; sensitive ones are write-only. */
export function createVariablesModule(deps: VariablesDeps) {
  const service = createVariablesService(deps);
  const handlers = {
    listVariables: ({ caller, params, query }) => service.list(caller, params.workspace_id, query),
    createVariable: ({ caller, params, body }) => service.create(caller, params.workspace_id, body),
    updateVariable: ({ caller, params, body }) => service.update(caller, params.workspace_id, params.variable_id, body),
    deleteVariable: ({ caller, params }) => service.remove(caller, params.workspace_id, params.variable_id),
  } satisfies Partial<Handlers>;
  return { service, handlers };
}
