import { newId } from '@groundcrew/kit';
import type {
  ApiToken,
  ApiTokenCreate,
  ApiTokenCreated,
  ApiTokenId,
  OrganizationId,
  Page,
  PageQuery,
  Role,
  UserId,
} from '@groundcrew/protocol';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import {
  decodeCursor,
  demandPermission,
  notFound,
  toPage,
  type UserCaller,
  type UserIdentity,
} from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import { ROLE_PERMISSIONS } from './policy.ts';
import { presentToken } from './present.ts';
import { findTokenHash, newToken, type TokenKind } from './token.ts';
import {
  findToken,
  findTokenOwner,
  insertToken,
  listTokens,
  revokeToken,
  type TokenRow,
  touchToken,
} from './token-store.ts';
import { demandRank } from './user-service.ts';
import { findUser, type UserRow } from './user-store.ts';

export interface TokenServiceDeps {
  db: Database;
  recordChange: RecordChange;
  now: () => number;
}

export const DAY_MS = 86_400_000;
/** Life of a sign-in token. */
export const SIGN_IN_DAYS = 1;

/** A token's row before it is stored, and its text. */
export function makeToken(
  user: { organizationId: string; userId: string },
  options: { name: string; kind: TokenKind; expiresAt: Date | null; automation?: boolean },
) {
  const { text, hash } = newToken(options.kind);
  const row = {
    id: newId('tok'),
    organization_id: user.organizationId,
    user_id: user.userId,
    name: options.name,
    kind: options.kind,
    automation: options.automation ?? false,
    token_hash: hash,
    expires_at: options.expiresAt,
  };
  return { row, text };
}

/** API tokens: made, listed, revoked, and recognised. Only hashes are kept. */
export function createTokenService({ db, recordChange, now }: TokenServiceDeps) {
  const inDays = (days: number | null): Date | null => (days === null ? null : new Date(now() + days * DAY_MS));

  /** Who brings this token, or undefined when it is not valid, for whatever reason. */
  async function findIdentity(token: string): Promise<UserIdentity | undefined> {
    const hash = findTokenHash('api', token);
    const owner = hash === undefined ? undefined : await findTokenOwner(db, hash);
    if (owner === undefined) return undefined;
    // Nobody waits for this, and nothing depends on it but what people read.
    if (owner.stale) void touchToken(db, owner.token_id).catch(() => {});
    const role = owner.role as Role;
    return {
      kind: 'user',
      organizationId: owner.organization_id as OrganizationId,
      userId: owner.user_id as UserId,
      name: owner.name,
      role,
      permissions: ROLE_PERMISSIONS[role],
      tokenId: owner.token_id as ApiTokenId,
      automation: owner.automation,
    };
  }

  async function list(caller: UserCaller, { limit, cursor }: PageQuery): Promise<Page<ApiToken>> {
    const rows = await listTokens(
      db,
      caller.userId,
      cursor === undefined ? undefined : decodeCursor(cursor),
      limit + 1,
    );
    return toPage(rows, limit, presentToken, ({ id }) => id);
  }

  async function create(caller: UserCaller, body: ApiTokenCreate): Promise<ApiTokenCreated> {
    return transaction(db, async (tx) => {
      const owner = await getOwner(tx, caller, body.user_id ?? caller.userId);
      const expiresAt = inDays(body.kind === 'sign_in' ? SIGN_IN_DAYS : body.expires_in_days);
      const { row, text } = makeToken(
        { organizationId: caller.organizationId, userId: owner.id },
        { name: body.name, kind: body.kind, expiresAt, automation: body.automation ?? false },
      );
      const stored = await insertToken(tx, row);
      await recordChange(tx, {
        caller,
        action: 'create',
        noun: 'token',
        subjectId: stored.id,
        subjectName: body.name,
        after: { user: owner.name, kind: body.kind, expires_at: expiresAt },
      });
      return { ...presentToken(stored), token: text };
    });
  }

  async function revoke(caller: UserCaller, id: ApiTokenId): Promise<void> {
    await transaction(db, async (tx) => {
      const token = await getToken(tx, caller, id);
      await revokeToken(tx, id);
      await recordChange(tx, {
        caller,
        action: 'revoke',
        noun: 'token',
        subjectId: id,
        subjectName: token.name,
        before: { user_id: token.user_id, kind: token.kind },
      });
    });
  }

  return { findIdentity, list, create, revoke };
}
export type TokenService = ReturnType<typeof createTokenService>;

/** The user a token is for: the caller, or somebody they may act for. */
async function getOwner(tx: Executor, caller: UserCaller, id: UserId): Promise<UserRow> {
  if (id !== caller.userId) demandPermission(caller, 'user:write');
  const owner = await findUser(tx, caller.organizationId, id);
  if (owner === undefined) throw notFound('user', id);
  demandRank(caller, owner.role as Role);
  return owner;
}

/** A token the caller may revoke; somebody else's is not there for who may not write users. */
async function getToken(tx: Executor, caller: UserCaller, id: ApiTokenId): Promise<TokenRow> {
  const token = await findToken(tx, caller.organizationId, id);
  if (token === undefined || (token.user_id !== caller.userId && !caller.permissions.has('user:write')))
    throw notFound('token', id);
  const owner =
    token.user_id === caller.userId ? undefined : await findUser(tx, caller.organizationId, token.user_id as UserId);
  if (owner !== undefined) demandRank(caller, owner.role as Role);
  return token;
}
