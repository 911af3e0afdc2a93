import type { AgentId, OrganizationId, PoolId } from '@groundcrew/protocol';
import { type Insertable, type Selectable, sql, type Updateable } from 'kysely';
import type { Executor, Tables } from '../../platform/database/index.ts';
import type { Door } from './pool.ts';

export type PoolRow = Selectable<Tables['pools']> & { agent_ids: AgentId[] };

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

/**
 * Names of what still needs the pool: agents in it, workspaces that send tasks to it, tasks that wait for it. The row is locked
 * first, so that nobody comes to need it before the transaction ends: foreign keys wait for that lock.
 */
export async function lockAndListUsers(tx: Executor, id: PoolId): Promise<string[]> {
  await sql`SELECT FROM pools WHERE id = ${id} FOR UPDATE`.execute(tx);
  const { rows } = await sql<{ name: string }>`
    SELECT 'agent ' || name AS name FROM agents WHERE pool_id = ${id} AND deleted_at IS NULL
    UNION ALL SELECT 'workspace ' || name FROM workspaces WHERE agent_pool_id = ${id} AND deleted_at IS NULL
    UNION ALL SELECT 'task ' || id FROM tasks WHERE pool_id = ${id} AND status IN ('pending', 'running', 'awaiting_approval', 'needs_attention')
    ORDER BY name LIMIT 6`.execute(tx);
  return rows.map((row) => row.name);
}

/** Whether the pool is still there; it stays until the transaction ends. */
export async function holdPool(tx: Executor, id: PoolId): Promise<boolean> {
  const { rows } = await sql`SELECT FROM pools WHERE id = ${id} AND deleted_at IS NULL FOR KEY SHARE`.execute(tx);
  return rows.length > 0;
}

/** What decides whether an agent that brings the pool's token gets in; the pool stays until the transaction ends. */
export async function holdDoor(tx: Executor, id: PoolId): Promise<Door | undefined> {
  const { rows } =
    await sql<Door>`SELECT name, pool_type, required_labels FROM pools WHERE id = ${id} AND deleted_at IS NULL FOR KEY SHARE`.execute(
      tx,
    );
  return rows[0];
}
