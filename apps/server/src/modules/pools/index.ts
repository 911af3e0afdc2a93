import { createPoolHandlers } from './routes.ts';
import { createPoolsService, type PoolsDeps } from './service.ts';

export { findDoorObstacle } from './pool.ts';
export type { PoolsService } from './service.ts';

/** Pools of agents, their members and registration tokens. */
export function createPoolsModule(deps: PoolsDeps) {
  const service = createPoolsService(deps);
  return { service, handlers: createPoolHandlers(service) };
}
