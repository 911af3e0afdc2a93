import type { RecordAccess } from '../audit/index.ts';
import { createStateHandlers } from './routes.ts';
import { createStateService, type StateDeps } from './service.ts';

export { stateAnswer } from './routes.ts';
export type { StateService } from './service.ts';

/** State versions: stored, numbered, read, pushed, rolled back, decided about. */
export function createStateModule({ recordAccess, ...deps }: StateDeps & { recordAccess: RecordAccess }) {
  const service = createStateService(deps);
  return { service, handlers: createStateHandlers(service, recordAccess) };
}
