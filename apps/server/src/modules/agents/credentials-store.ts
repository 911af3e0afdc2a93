import type { AgentId, OrganizationId, PoolId } from '@groundcrew/protocol';
import { type RawBuilder, sql } from 'kysely';
import { type Executor, named } from '../../platform/database/index.ts';
import { type AgentRow, ROW } from './store.ts';

/** An agent that has signed on, and what it did so with: its own token, by the head of its hash, or a pool's, by its id. */
export interface SignedOn {
  id: AgentId;
  organizationId: OrganizationId;
  poolId: PoolId | null;
  agentName: string;
  via: string;
}

/** How a JWT names an agent's own token. Of a random token's hash this much tells nothing and confuses none. */
export const viaOf = (tokenHash: string): string => tokenHash.slice(0, 16);

const SIGNED_ON = sql`SELECT g.id, g.organization_id AS "organizationId", g.pool_id AS "poolId", g.agent_id AS "agentName"`;
const LIVES = sql`g.deleted_at IS NULL AND g.agent_id IS NOT NULL AND g.token_revoked_at IS NULL`;
/** What a pool's agents register with: the pool's tokens and the machine clients that name it. */
const REGISTRATION = sql`(SELECT id, pool_id, expires_at, revoked_at FROM pool_tokens
  UNION ALL SELECT id, pool_id, expires_at, revoked_at FROM machine_clients)`;
/** A token of the agent's own that has not run out: the present one, or the one before while both count. */
const isOwn = (column: 'hash' | 'via', value: string | RawBuilder<unknown>) => {
  const [present, previous] =
    column === 'hash'
      ? [sql`g.token_hash`, sql`g.previous_token_hash`]
      : [sql`left(g.token_hash, 16)`, sql`left(g.previous_token_hash, 16)`];
  return sql`((${present} = ${value} AND (g.token_expires_at IS NULL OR g.token_expires_at > now())) OR (${previous} = ${value} AND g.previous_token_expires_at > now()))`;
};

/** Who brings this token of an agent's own. Two lookups by index, and no scan. */
export async function findByTokenHash(db: Executor, tokenHash: string): Promise<AgentRow | undefined> {
  const { rows } =
    await sql<AgentRow>`${ROW} WHERE (g.token_hash = ${tokenHash} OR g.previous_token_hash = ${tokenHash})
    AND g.deleted_at IS NULL AND g.token_revoked_at IS NULL AND ${isOwn('hash', tokenHash)}`.execute(db);
  return rows[0];
}

const viaCounts = (via: string | RawBuilder<unknown>) => sql`CASE WHEN g.pool_token_id IS NULL THEN ${isOwn('via', via)}
      ELSE t.id = ${via} AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now()) END`;

/** The agent, if neither it nor what it signed on with was revoked, replaced or ran out meanwhile. Fails closed. */
export async function findSignedOn(db: Executor, id: AgentId, via: string): Promise<SignedOn | undefined> {
  const { rows } = await sql<Omit<SignedOn, 'via'>>`${named('find_signed_on')} ${SIGNED_ON}
    FROM agents g LEFT JOIN ${REGISTRATION} t ON t.id = g.pool_token_id
    WHERE g.id = ${id} AND ${LIVES} AND ${viaCounts(via)}`.execute(db);
  return rows[0] && { ...rows[0], via };
}

/** Of many that were found signed on the ones that still are, by place in the list. */
export async function listStillSignedOn(db: Executor, agents: readonly SignedOn[]): Promise<ReadonlySet<number>> {
  const { rows } = await sql<{ place: number }>`${named('list_still_signed_on')} SELECT v.place::integer
    FROM unnest(${agents.map(({ id }) => id)}::text[], ${agents.map(({ via }) => via)}::text[]) WITH ORDINALITY AS v(id, via, place)
      JOIN agents g ON g.id = v.id LEFT JOIN ${REGISTRATION} t ON t.id = g.pool_token_id
    WHERE ${LIVES} AND ${viaCounts(sql`v.via`)}`.execute(db);
  return new Set(rows.map(({ place }) => place - 1));
}

/** The same for an agent that brings its own token with every call. */
export async function findSignedOnByToken(db: Executor, tokenHash: string): Promise<SignedOn | undefined> {
  const { rows } = await sql<Omit<SignedOn, 'via'>>`${SIGNED_ON} FROM agents g
    WHERE (g.token_hash = ${tokenHash} OR g.previous_token_hash = ${tokenHash}) AND ${LIVES} AND ${isOwn('hash', tokenHash)}`.execute(
    db,
  );
  return rows[0] && { ...rows[0], via: viaOf(tokenHash) };
}

/** True once the agent was removed, or it or what it signed on with was revoked. A token that ran out takes nothing back. */
export async function isRevoked(db: Executor, id: string): Promise<boolean> {
  const { rows } = await sql`SELECT 1 FROM agents g LEFT JOIN ${REGISTRATION} t ON t.id = g.pool_token_id
    WHERE g.id = ${id} AND g.deleted_at IS NULL AND g.token_revoked_at IS NULL AND t.revoked_at IS NULL`.execute(db);
  return rows.length === 0;
}

/**
 * Puts a new token in the place of the agent's own. The old one counts for the overlap, but no longer than it would have, and
 * not if it was revoked. Without an overlap, whatever the agent has signed on with ends at once, a pool's token included.
 */
export async function replaceToken(
  db: Executor,
  id: AgentId,
  token: { hash: string; expiresInDays: number; overlapSeconds: number },
): Promise<void> {
  const overlaps = sql`${token.overlapSeconds}::integer > 0`;
  await sql`UPDATE agents SET
      previous_token_hash = CASE WHEN ${overlaps} AND token_revoked_at IS NULL THEN token_hash END,
      previous_token_expires_at = CASE WHEN ${overlaps} AND token_revoked_at IS NULL AND token_hash IS NOT NULL
        THEN least(token_expires_at, now() + make_interval(secs => ${token.overlapSeconds}::integer)) END,
      pool_token_id = CASE WHEN ${overlaps} THEN pool_token_id END,
      token_hash = ${token.hash}, token_expires_at = now() + make_interval(days => ${token.expiresInDays}), token_revoked_at = NULL,
      updated_at = now()
    WHERE id = ${id}`.execute(db);
}

/** Agents that signed on with a pool's token. */
export async function listAgentsOfToken(db: Executor, tokenId: string): Promise<AgentId[]> {
  const { rows } = await sql<{
    id: AgentId;
  }>`SELECT id FROM agents WHERE pool_token_id = ${tokenId} AND deleted_at IS NULL`.execute(db);
  return rows.map(({ id }) => id);
}

/** The pool whose token, or whose machine client, the agent signed on with. */
export async function findTokenPool(db: Executor, tokenId: string): Promise<string | undefined> {
  const { rows } = await sql<{ pool_id: string }>`SELECT pool_id FROM ${REGISTRATION} t WHERE id = ${tokenId}`.execute(
    db,
  );
  return rows[0]?.pool_id ?? undefined;
}
