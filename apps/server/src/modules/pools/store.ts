import type { AgentId, OrganizationId, PoolId, PoolTokenId } from '@groundcrew/protocol';
import { type Insertable, type Selectable, sql, type Updateable } from 'kysely';
import type { Executor, Tables } from '../../platform/database/index.ts';

export type PoolRow = Selectable<Tables['pools']> & { agent_ids: AgentId[] };
export type PoolTokenRow = Selectable<Tables['pool_tokens']>;

const withAgents = sql<AgentId[]>`(SELECT coalesce(jsonb_agg(a.id ORDER BY a.created_at), '[]') FROM agents a
  WHERE a.pool_id = pools.id AND a.deleted_at IS NULL)`.as('agent_ids');

const alive = (db: Executor, organizationId: OrganizationId) =>
  db
    .selectFrom('pools')
    .selectAll()
    .select(withAgents)
    .where('organization_id', '=', organizationId)
    .where('deleted_at', 'is', null);

export const findPool = (db: Executor, organizationId: OrganizationId, id: PoolId): Promise<PoolRow | undefined> =>
  alive(db, organizationId).where('id', '=', id).executeTakeFirst() as Promise<PoolRow | undefined>;

export const findBuiltInPool = (db: Executor, organizationId: OrganizationId): Promise<PoolRow | undefined> =>
  alive(db, organizationId).where('built_in', '=', true).executeTakeFirst() as Promise<PoolRow | undefined>;

/** Pools by name, after the name of the page before. */
export const listPools = (
  db: Executor,
  organizationId: OrganizationId,
  after: string | undefined,
  limit: number,
): Promise<PoolRow[]> =>
  alive(db, organizationId)
    .$if(after !== undefined, (q) => q.where('name', '>', after ?? ''))
    .orderBy('name')
    .limit(limit)
    .execute() as Promise<PoolRow[]>;

export async function insertPool(db: Executor, values: Insertable<Tables['pools']>): Promise<void> {
  await db.insertInto('pools').values(values).execute();
}

export async function updatePool(db: Executor, id: PoolId, changes: Updateable<Tables['pools']>): Promise<void> {
  await db
    .updateTable('pools')
    .set({ ...changes, updated_at: sql`now()` })
    .where('id', '=', id)
    .execute();
}

/** Names of what still needs the pool: agents in it and workspaces that send tasks to it. */
export async function listUsers(db: Executor, id: PoolId): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT 'agent ' || name AS name FROM agents WHERE pool_id = ${id} AND deleted_at IS NULL
    UNION ALL SELECT 'workspace ' || name FROM workspaces WHERE agent_pool_id = ${id} AND deleted_at IS NULL
    ORDER BY name LIMIT 6`.execute(db);
  return rows.map((row) => row.name);
}

export const findToken = (db: Executor, poolId: PoolId, id: PoolTokenId): Promise<PoolTokenRow | undefined> =>
  db.selectFrom('pool_tokens').selectAll().where('pool_id', '=', poolId).where('id', '=', id).executeTakeFirst();

/** Tokens of a pool, newest first, older than the id of the page before. */
export const listTokens = (
  db: Executor,
  poolId: PoolId,
  before: string | undefined,
  limit: number,
): Promise<PoolTokenRow[]> =>
  db
    .selectFrom('pool_tokens')
    .selectAll()
    .where('pool_id', '=', poolId)
    .$if(before !== undefined, (q) =>
      q.where(
        sql<boolean>`(created_at, id) < (SELECT b.created_at, b.id FROM pool_tokens b WHERE b.id = ${before ?? null})`,
      ),
    )
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();

export async function insertToken(
  db: Executor,
  values: {
    id: PoolTokenId;
    organization_id: OrganizationId;
    pool_id: PoolId;
    name: string;
    token_hash: string;
    expires_at: Date | null;
  },
): Promise<void> {
  await db.insertInto('pool_tokens').values(values).execute();
}

export async function revokeToken(db: Executor, id: PoolTokenId): Promise<void> {
  await db
    .updateTable('pool_tokens')
    .set({ revoked_at: sql`now()` })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .execute();
}

/** The pool a registration token opens, unless it is revoked, expired or the pool is gone. Notes the use, at most once a minute. */
export async function useToken(
  db: Executor,
  tokenHash: string,
): Promise<{ tokenId: PoolTokenId; poolId: PoolId; organizationId: OrganizationId } | undefined> {
  const { rows } = await sql<{ id: PoolTokenId; pool_id: PoolId; organization_id: OrganizationId }>`
    WITH found AS (
      SELECT t.id, t.pool_id, t.organization_id, t.last_used_at FROM pool_tokens t JOIN pools p ON p.id = t.pool_id AND p.deleted_at IS NULL
      WHERE t.token_hash = ${tokenHash} AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())
    ), used AS (
      UPDATE pool_tokens SET last_used_at = now() FROM found
      WHERE pool_tokens.id = found.id AND (found.last_used_at IS NULL OR found.last_used_at < now() - interval '1 minute')
    )
    SELECT id, pool_id, organization_id FROM found`.execute(db);
  const row = rows[0];
  return row && { tokenId: row.id, poolId: row.pool_id, organizationId: row.organization_id };
}
