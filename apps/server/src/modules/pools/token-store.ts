import type { OrganizationId, PoolId, PoolTokenId } from '@groundcrew/protocol';
import { type Insertable, type Selectable, sql } from 'kysely';
import type { Executor, Tables } from '../../platform/database/index.ts';
import type { TokenPool } from './pool.ts';

export type PoolTokenRow = Selectable<Tables['pool_tokens']> & { agents: number };

/** Agents that signed on with it last. */
const countAgents = sql<number>`(SELECT count(*)::integer FROM agents a WHERE a.pool_token_id = pool_tokens.id AND a.deleted_at IS NULL)`;

const tokensOf = (db: Executor, poolId: PoolId) =>
  db.selectFrom('pool_tokens').selectAll().select(countAgents.as('agents')).where('pool_id', '=', poolId);

export const findToken = (db: Executor, poolId: PoolId, id: PoolTokenId): Promise<PoolTokenRow | undefined> =>
  tokensOf(db, poolId).where('id', '=', id).executeTakeFirst();

/** Tokens of a pool, newest first, older than the id of the page before. */
export const listTokens = (
  db: Executor,
  poolId: PoolId,
  before: string | undefined,
  limit: number,
): Promise<PoolTokenRow[]> =>
  tokensOf(db, poolId)
    .$if(before !== undefined, (q) =>
      q.where(
        sql<boolean>`(created_at, id) < (SELECT b.created_at, b.id FROM pool_tokens b WHERE b.id = ${before ?? null})`,
      ),
    )
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();

export async function insertToken(db: Executor, values: Insertable<Tables['pool_tokens']>): Promise<void> {
  await db.insertInto('pool_tokens').values(values).execute();
}

/** Gives whether there was anything to revoke. */
export async function revokeToken(db: Executor, id: PoolTokenId): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('pool_tokens')
    .set({ revoked_at: sql`now()` })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** The token counts for so long at most. */
export async function shortenToken(db: Executor, id: PoolTokenId, seconds: number): Promise<void> {
  await sql`UPDATE pool_tokens SET expires_at = least(expires_at, now() + make_interval(secs => ${seconds})) WHERE id = ${id}`.execute(
    db,
  );
}

/** Makes whoever rotates or revokes the token wait for its turn. */
export async function lockToken(tx: Executor, id: PoolTokenId): Promise<void> {
  await sql`SELECT FROM pool_tokens WHERE id = ${id} FOR UPDATE`.execute(tx);
}

/** The pool a registration token opens, unless it is revoked, expired or the pool is gone. Notes the use, at most once a minute. */
export async function useToken(db: Executor, tokenHash: string): Promise<TokenPool | undefined> {
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
