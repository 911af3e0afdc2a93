import type { Handlers } from '../../platform/http/index.ts';
import type { PoolsService } from './service.ts';

export const createPoolHandlers = (pools: PoolsService) =>
  ({
    listPools: ({ caller, query }) => pools.list(caller, query),
    createPool: ({ caller, body }) => pools.create(caller, body),
    getPool: ({ caller, params }) => pools.get(caller, params.id),
    updatePool: ({ caller, params, body }) => pools.update(caller, params.id, body),
    deletePool: ({ caller, params }) => pools.remove(caller, params.id),
    addPoolAgent: async ({ caller, params, body }) => {
      await pools.moveAgent(caller, params.id, body.agent_id, true);
      return pools.get(caller, params.id);
    },
    removePoolAgent: ({ caller, params }) => pools.moveAgent(caller, params.id, params.agent_id, false),
    listPoolTokens: ({ caller, params, query }) => pools.tokens.list(caller, params.id, query),
    createPoolToken: ({ caller, params, body }) => pools.tokens.create(caller, params.id, body),
    rotatePoolToken: ({ caller, params, body }) => pools.tokens.rotate(caller, params.id, params.token_id, body),
    revokePoolToken: ({ caller, params }) => pools.tokens.revoke(caller, params.id, params.token_id),
  }) satisfies Partial<Handlers>;
