import type { Handlers } from '../../platform/http/index.ts';
import { type ConfigurationsDeps, createConfigurationsService } from './service.ts';

/** Configurations: the code of workspaces, as archives. */
export function createConfigurationsModule(deps: ConfigurationsDeps) {
  const service = createConfigurationsService(deps);
  const handlers = {
    listConfigurations: ({ caller, params, query }) => service.list(caller, params.workspace_id, query),
    createConfiguration: ({ caller, params, body }) => service.create(caller, params.workspace_id, body),
    uploadConfiguration: ({ caller, params, query, headers, raw }) =>
      service.upload(caller, params.workspace_id, raw.stream, {
        checksum: headers['x-content-sha256'],
        message: query.message ?? '',
      }),
    downloadConfiguration: ({ caller, params }) =>
      service.download(caller, params.workspace_id, params.configuration_id),
  } satisfies Partial<Handlers>;
  return { service, handlers };
}
