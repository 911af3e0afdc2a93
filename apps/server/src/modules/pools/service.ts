import { newId } from '@groundcrew/kit';
import type {
  AgentId,
  OrganizationId,
  Page,
  Pool,
  PoolCreate,
  PoolId,
  PoolTokenId,
  PoolUpdate,
} from '@groundcrew/protocol';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import { AppError, decodeCursor, toPage, type UserCaller } from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import { presentPool } from './present.ts';
import * as store from './store.ts';
import { createTokenService } from './token-service.ts';

export interface PoolsDeps {
  db: Database;
  recordChange: RecordChange;
  wakeDispatcher: () => void;
  /** Cuts off every agent that signed on with it. */
  tokenRevoked: (id: PoolTokenId) => Promise<void>;
}

/** Name of the pool that the server keeps for its own agent. */
const BUILT_IN_POOL = 'server';

/** Pools, who is in them, and the tokens that let agents in. */
export function createPoolsService({ db, recordChange, wakeDispatcher, tokenRevoked }: PoolsDeps) {
  async function getPool(organizationId: OrganizationId, id: PoolId): Promise<store.PoolRow> {
    const pool = await store.findPool(db, organizationId, id);
    if (pool === undefined)
      throw new AppError('not_found', `There is no agent pool ${id}; "groundcrew pool list" shows those there are.`);
    return pool;
  }

  const tokens = createTokenService({ db, recordChange, getPool, tokenRevoked });

  async function list(caller: UserCaller, query: { limit: number; cursor?: string | undefined }): Promise<Page<Pool>> {
    const rows = await store.listPools(
      db,
      caller.organizationId,
      query.cursor === undefined ? undefined : decodeCursor(query.cursor),
      query.limit + 1,
    );
    return toPage(rows, query.limit, presentPool, (row) => row.name);
  }

  async function create(caller: UserCaller, body: PoolCreate): Promise<Pool> {
    const id = newId('pool') as PoolId;
    await transaction(db, async (tx) => {
      await store.insertPool(tx, {
        ...toColumns(body),
        id,
        organization_id: caller.organizationId,
        name: body.name,
        pool_type: body.pool_type,
        selection_strategy: body.selection_strategy,
      });
      await recordChange(tx, {
        caller,
        action: 'create',
        noun: 'pool',
        subjectId: id,
        subjectName: body.name,
        after: { ...body },
      });
    });
    return presentPool(await getPool(caller.organizationId, id));
  }

  async function update(caller: UserCaller, id: PoolId, body: PoolUpdate): Promise<Pool> {
    const pool = await getPool(caller.organizationId, id);
    if (pool.built_in && body.name !== undefined && body.name !== pool.name)
      throw new AppError('conflict', `Pool ${pool.name} belongs to the server itself and keeps its name.`);
    await transaction(db, async (tx) => {
      await store.updatePool(tx, id, toColumns(body));
      await recordChange(tx, {
        caller,
        action: 'update',
        noun: 'pool',
        subjectId: id,
        subjectName: pool.name,
        before: pick(pool, body),
        after: { ...body },
      });
    });
    wakeDispatcher();
    return presentPool(await getPool(caller.organizationId, id));
  }

  async function remove(caller: UserCaller, id: PoolId): Promise<void> {
    const pool = await getPool(caller.organizationId, id);
    if (pool.built_in)
      throw new AppError('conflict', `Pool ${pool.name} belongs to the server itself and cannot be removed.`);
    await transaction(db, async (tx) => {
      refuseUsed(pool.name, await store.lockAndListUsers(tx, id));
      await store.updatePool(tx, id, { deleted_at: new Date() });
      await recordChange(tx, {
        caller,
        action: 'delete',
        noun: 'pool',
        subjectId: id,
        subjectName: pool.name,
        before: { name: pool.name },
      });
    });
  }

  /** Moves an agent into the pool (or out of any, with null): an agent is in one pool at a time. */
  async function moveAgent(caller: UserCaller, poolId: PoolId, agentIdOrName: string, into: boolean): Promise<void> {
    const pool = await getPool(caller.organizationId, poolId);
    const agent = await findMember(db, caller.organizationId, agentIdOrName);
    if (agent === undefined || (!into && agent.pool_id !== poolId))
      throw new AppError('not_found', `There is no agent ${agentIdOrName}${into ? '' : ` in pool ${pool.name}`}.`);
    await transaction(db, async (tx) => {
      const isThere = into ? await store.holdPool(tx, poolId) : true;
      if (!isThere) throw new AppError('not_found', `Pool ${pool.name} was removed meanwhile.`);
      await tx
        .updateTable('agents')
        .set({ pool_id: into ? poolId : null })
        .where('id', '=', agent.id)
        .execute();
      await recordChange(tx, {
        caller,
        action: into ? 'add_agent' : 'remove_agent',
        noun: 'pool',
        subjectId: poolId,
        subjectName: pool.name,
        before: { pool_id: agent.pool_id },
        after: { agent: agent.name },
      });
    });
    wakeDispatcher();
  }

  /** The pool of the server's own agent, made with the organisation's first start. */
  async function ensureBuiltIn(organizationId: OrganizationId): Promise<PoolId> {
    const known = await store.findBuiltInPool(db, organizationId);
    if (known !== undefined) return known.id as PoolId;
    const id = newId('pool') as PoolId;
    await store.insertPool(db, {
      id,
      organization_id: organizationId,
      name: BUILT_IN_POOL,
      description: "Runs workspaces of execution mode server on the server's own host.",
      pool_type: 'dynamic',
      selection_strategy: 'round_robin',
      built_in: true,
    });
    return id;
  }

  return {
    getPool,
    get: async (caller: UserCaller, id: PoolId): Promise<Pool> => presentPool(await getPool(caller.organizationId, id)),
    list,
    create,
    update,
    remove,
    moveAgent,
    tokens,
    holdDoor: store.holdDoor,
    ensureBuiltIn,
    renewBuiltInToken: (organizationId: OrganizationId, poolId: PoolId) =>
      tokens.renewBuiltIn(organizationId, poolId, BUILT_IN_POOL),
  };
}
export type PoolsService = ReturnType<typeof createPoolsService>;

/** Lists are JSON columns; what was not given is not touched. */
function toColumns({ required_labels, labels, metadata, max_concurrent_tasks, ...plain }: PoolUpdate) {
  return {
    ...plain,
    ...(max_concurrent_tasks !== undefined && { max_concurrent_tasks }),
    ...(required_labels && { required_labels: JSON.stringify(required_labels) }),
    ...(labels && { labels: JSON.stringify(labels) }),
    ...(metadata && { metadata: JSON.stringify(metadata) }),
  };
}

const pick = (row: object, keys: object) =>
  Object.fromEntries(Object.keys(keys).map((key) => [key, (row as Record<string, unknown>)[key]]));

async function findMember(
  db: Executor,
  organizationId: OrganizationId,
  id: string,
): Promise<{ id: AgentId; name: string; pool_id: string | null } | undefined> {
  const row = await db
    .selectFrom('agents')
    .select(['id', 'name', 'pool_id'])
    .where('organization_id', '=', organizationId)
    .where('deleted_at', 'is', null)
    .where((or) => or.or([or('id', '=', id), or('agent_id', '=', id)]))
    .executeTakeFirst();
  return row as { id: AgentId; name: string; pool_id: string | null } | undefined;
}

function refuseUsed(name: string, users: readonly string[]): void {
  if (users.length === 0) return;
  const named = `${users.slice(0, 5).join(', ')}${users.length > 5 ? ' and others' : ''}`;
  throw new AppError(
    'in_use',
    `Pool ${name} is used by ${named}; move agents and workspaces to another pool and wait for tasks first.`,
  );
}
