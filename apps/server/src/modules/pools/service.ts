import { newId, newSecret, sha256Hex } from '@groundcrew/kit';
import type {
  AgentId,
  OrganizationId,
  Page,
  Pool,
  PoolCreate,
  PoolId,
  PoolToken,
  PoolTokenCreate,
  PoolTokenCreated,
  PoolTokenId,
  PoolUpdate,
} from '@groundcrew/protocol';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import { AppError, decodeCursor, toPage, type UserCaller } from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import * as store from './store.ts';

export interface PoolsDeps {
  db: Database;
  recordChange: RecordChange;
  wakeDispatcher: () => void;
  /** Cuts off every agent that signed on with it. */
  tokenRevoked: (id: PoolTokenId) => Promise<void>;
}

/** Name of the pool that the server keeps for its own agent. */
const BUILT_IN_POOL = 'server';
const DAY_MS = 86_400_000;

/** Pools, who is in them, and the tokens that let agents in. */
export function createPoolsService({ db, recordChange, wakeDispatcher, tokenRevoked }: PoolsDeps) {
  async function getPool(organizationId: OrganizationId, id: PoolId): Promise<store.PoolRow> {
    const pool = await store.findPool(db, organizationId, id);
    if (pool === undefined)
      throw new AppError('not_found', `There is no agent pool ${id}; "groundcrew pool list" shows those there are.`);
    return pool;
  }

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
    const users = await store.listUsers(db, id);
    if (users.length > 0)
      throw new AppError(
        'in_use',
        `Pool ${pool.name} is used by ${users.slice(0, 5).join(', ')}${users.length > 5 ? ' and others' : ''}; move them to another pool first.`,
      );
    await transaction(db, async (tx) => {
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

  async function createToken(caller: UserCaller, poolId: PoolId, body: PoolTokenCreate): Promise<PoolTokenCreated> {
    const pool = await getPool(caller.organizationId, poolId);
    const id = newId('ptok') as PoolTokenId;
    const token = `apt_${newSecret()}`;
    await transaction(db, async (tx) => {
      await store.insertToken(tx, {
        id,
        organization_id: caller.organizationId,
        pool_id: poolId,
        name: body.name,
        token_hash: sha256Hex(token),
        expires_at: body.expires_in_days === null ? null : new Date(Date.now() + body.expires_in_days * DAY_MS),
      });
      await recordChange(tx, {
        caller,
        action: 'create_token',
        noun: 'pool',
        subjectId: poolId,
        subjectName: pool.name,
        after: { token_id: id, name: body.name },
      });
    });
    const row = await store.findToken(db, poolId, id);
    if (row === undefined) throw new AppError('not_found', `There is no token ${id}.`);
    return { ...presentToken(row), token };
  }

  async function revokeToken(caller: UserCaller, poolId: PoolId, id: PoolTokenId): Promise<void> {
    const pool = await getPool(caller.organizationId, poolId);
    if ((await store.findToken(db, poolId, id)) === undefined)
      throw new AppError('not_found', `Pool ${pool.name} has no token ${id}.`);
    await transaction(db, async (tx) => {
      await store.revokeToken(tx, id);
      await recordChange(tx, {
        caller,
        action: 'revoke_token',
        noun: 'pool',
        subjectId: poolId,
        subjectName: pool.name,
        before: { token_id: id },
      });
    });
    await tokenRevoked(id);
  }

  async function listTokens(
    caller: UserCaller,
    poolId: PoolId,
    query: { limit: number; cursor?: string | undefined },
  ): Promise<Page<PoolToken>> {
    await getPool(caller.organizationId, poolId);
    const rows = await store.listTokens(
      db,
      poolId,
      query.cursor === undefined ? undefined : decodeCursor(query.cursor),
      query.limit + 1,
    );
    return toPage(rows, query.limit, presentToken, (row) => row.id);
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

  /** A registration token for the server's own agent; only its hash is kept. An earlier one goes. */
  async function renewBuiltInToken(organizationId: OrganizationId, poolId: PoolId): Promise<string> {
    const token = `apt_${newSecret()}`;
    await transaction(db, async (tx) => {
      await tx
        .updateTable('pool_tokens')
        .set({ revoked_at: new Date() })
        .where('pool_id', '=', poolId)
        .where('name', '=', BUILT_IN_POOL)
        .where('revoked_at', 'is', null)
        .execute();
      await store.insertToken(tx, {
        id: newId('ptok') as PoolTokenId,
        organization_id: organizationId,
        pool_id: poolId,
        name: BUILT_IN_POOL,
        token_hash: sha256Hex(token),
        expires_at: null,
      });
    });
    return token;
  }

  return {
    getPool,
    get: async (caller: UserCaller, id: PoolId): Promise<Pool> => presentPool(await getPool(caller.organizationId, id)),
    list,
    create,
    update,
    remove,
    moveAgent,
    listTokens,
    createToken,
    revokeToken,
    ensureBuiltIn,
    renewBuiltInToken,
    useToken: (tokenHash: string) => store.useToken(db, tokenHash),
  };
}
export type PoolsService = ReturnType<typeof createPoolsService>;

/** Lists are JSON columns; what was not given is not touched. */
function toColumns({ required_labels, labels, metadata, ...plain }: PoolUpdate) {
  return {
    ...plain,
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

function presentPool(row: store.PoolRow): Pool {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    pool_type: row.pool_type,
    selection_strategy: row.selection_strategy,
    required_labels: row.required_labels,
    labels: row.labels,
    max_plan_concurrency: row.max_plan_concurrency,
    allow_apply_concurrent: row.allow_apply_concurrent,
    built_in: row.built_in,
    agent_ids: row.agent_ids,
    metadata: row.metadata,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  } as Pool;
}

const iso = (date: Date | null): string | null => (date === null ? null : date.toISOString());
const presentToken = (row: store.PoolTokenRow): PoolToken =>
  ({
    id: row.id,
    pool_id: row.pool_id,
    name: row.name,
    created_at: row.created_at.toISOString(),
    expires_at: iso(row.expires_at),
    last_used_at: iso(row.last_used_at),
    revoked_at: iso(row.revoked_at),
  }) as PoolToken;
