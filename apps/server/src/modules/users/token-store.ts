import type { ApiTokenId, OrganizationId, Permission, UserId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { type Executor, named } from '../../platform/database/index.ts';
import { IDENTITY, type IdentityRow, isLiving, type Limits } from './identity.ts';
import type { TokenKind } from './token.ts';

export interface TokenRow {
  id: string;
  organization_id: string;
  user_id: string;
  name: string;
  kind: string;
  automation: boolean;
  scopes: Permission[] | null;
  workspace_ids: string[] | null;
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
  revoked_at: Date | null;
}

const COLUMNS = [
  'id',
  'organization_id',
  'user_id',
  'name',
  'kind',
  'automation',
  'scopes',
  'workspace_ids',
  'created_at',
  'expires_at',
  'last_used_at',
  'revoked_at',
] as const;

export interface NewTokenRow {
  id: string;
  organization_id: string;
  user_id: string;
  name: string;
  kind: TokenKind;
  automation?: boolean;
  token_hash: string;
  scopes: string | null;
  workspace_ids: string | null;
  expires_at: Date | null;
}

export async function insertToken(db: Executor, row: NewTokenRow): Promise<TokenRow> {
  return db.insertInto('api_tokens').values(row).returning(COLUMNS).$castTo<TokenRow>().executeTakeFirstOrThrow();
}

export async function findToken(
  db: Executor,
  organizationId: OrganizationId,
  id: ApiTokenId,
): Promise<TokenRow | undefined> {
  return db
    .selectFrom('api_tokens')
    .select(COLUMNS)
    .$castTo<TokenRow>()
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .executeTakeFirst();
}

/** A user's tokens, newest first, older than the token `below`. */
export async function listTokens(
  db: Executor,
  userId: UserId,
  below: string | undefined,
  limit: number,
): Promise<TokenRow[]> {
  return db
    .selectFrom('api_tokens')
    .select(COLUMNS)
    .$castTo<TokenRow>()
    .where('user_id', '=', userId)
    .$if(below !== undefined, (q) =>
      q.where(
        sql<boolean>`(created_at, id) < (SELECT created_at, id FROM api_tokens WHERE id = ${below} AND user_id = ${userId})`,
      ),
    )
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
}

/** Revokes; an earlier revocation keeps its time. */
export async function revokeToken(db: Executor, id: ApiTokenId): Promise<void> {
  await db
    .updateTable('api_tokens')
    .set({ revoked_at: sql`now()` })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .execute();
}

export async function revokeTokensOf(db: Executor, userId: UserId, name?: string): Promise<void> {
  await db
    .updateTable('api_tokens')
    .set({ revoked_at: sql`now()` })
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .$if(name !== undefined, (q) => q.where('name', '=', name as string))
    .execute();
}

/** Uses a sign-in token up; undefined unless it was valid until now. Of two who try at once, one gets it. */
export async function useSignInToken(db: Executor, hash: string): Promise<TokenRow | undefined> {
  return db
    .updateTable('api_tokens')
    .set({ revoked_at: sql`now()`, last_used_at: sql`now()` })
    .where('token_hash', '=', hash)
    .where('kind', '=', 'sign_in')
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', sql<Date>`now()`)
    .returning(COLUMNS)
    .$castTo<TokenRow>()
    .executeTakeFirst();
}

/**
 * Whether the first sign-in has really happened: an API token or a session of anybody was used after it was made, or somebody has
 * set a password. Where people use the console alone, a start would print another way in for ever otherwise.
 */
export async function wasEverUsed(db: Executor): Promise<boolean> {
  const { rows } = await sql<{ used: boolean }>`SELECT
    EXISTS (SELECT FROM api_tokens WHERE kind = 'api' AND last_used_at IS NOT NULL)
    OR EXISTS (SELECT FROM sessions WHERE last_used_at > created_at)
    OR EXISTS (SELECT FROM users WHERE password_hash IS NOT NULL AND deleted_at IS NULL) AS used`.execute(db);
  return rows[0]?.used ?? false;
}

/** Whose token this is, if it is valid now, and what it leaves of their rights. */
export interface TokenOwner extends IdentityRow, Limits {
  token_id: string;
  /** For a program. */
  automation: boolean;
  /** Not marked as used within the last minute. */
  stale: boolean;
}

/** One lookup by a unique key, in every call that a user makes. */
export async function findTokenOwner(db: Executor, hash: string): Promise<TokenOwner | undefined> {
  const { rows } = await sql<TokenOwner>`${named('find_token_owner')}
    SELECT t.id AS token_id, t.automation, t.scopes, t.workspace_ids, ${IDENTITY},
      coalesce(t.last_used_at < now() - interval '1 minute', true) AS stale
    FROM api_tokens t JOIN users u ON u.id = t.user_id
    WHERE t.token_hash = ${hash} AND t.kind = 'api' AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())
      AND ${isLiving('u')}`.execute(db);
  return rows[0];
}

/** Marks a token as used, at most once a minute whoever else does so too. */
export async function touchToken(db: Executor, id: string): Promise<void> {
  await sql`UPDATE api_tokens SET last_used_at = now() WHERE id = ${id} AND coalesce(last_used_at < now() - interval '1 minute', true)`.execute(
    db,
  );
}
