import { newId } from '@groundcrew/kit';
import type {
  ApiToken,
  ApiTokenCreate,
  ApiTokenCreated,
  ApiTokenId,
  OrganizationRole,
  Page,
  PageQuery,
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
import { demandPerson, demandWithin, type Limits, rightsOf, toIdentity, UNLIMITED } from './identity.ts';
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
import { demandReach, type RightsChanged } from './user-service.ts';
import { findUser, type UserRow } from './user-store.ts';

export interface TokenServiceDeps {
  db: Database;
  recordChange: RecordChange;
  rightsChanged: RightsChanged;
  now: () => number;
}

export const DAY_MS = 86_400_000;
/** Life of a sign-in token. */
export const SIGN_IN_DAYS = 1;

/** A token's row before it is stored, and its text. */
export function makeToken(
  user: { organizationId: string; userId: string },
  options: { name: string; kind: TokenKind; expiresAt: Date | null; automation?: boolean; limits?: Limits },
) {
  const { text, hash } = newToken(options.kind);
  const { scopes, workspace_ids } = options.limits ?? UNLIMITED;
  const row = {
    id: newId('tok'),
    organization_id: user.organizationId,
    user_id: user.userId,
    name: options.name,
    kind: options.kind,
    automation: options.automation ?? false,
    token_hash: hash,
    scopes: scopes && JSON.stringify(scopes),
    workspace_ids: workspace_ids && JSON.stringify(workspace_ids),
    expires_at: options.expiresAt,
  };
  return { row, text };
}

/** API tokens: made, listed, revoked, and recognised. Only hashes are kept. */
export function createTokenService({ db, recordChange, rightsChanged, now }: TokenServiceDeps) {
  const inDays = (days: number | null): Date | null => (days === null ? null : new Date(now() + days * DAY_MS));

  /** Who brings this token, or undefined when it is not valid, for whatever reason. */
  async function findIdentity(token: string): Promise<UserIdentity | undefined> {
    const hash = findTokenHash('api', token);
    const owner = hash === undefined ? undefined : await findTokenOwner(db, hash);
    if (owner === undefined) return undefined;
    // Nobody waits for this, and nothing depends on it but what people read.
    if (owner.stale) void touchToken(db, owner.token_id).catch(() => {});
    const identity = toIdentity(owner, { kind: 'token', id: owner.token_id as ApiTokenId }, owner);
    return { ...identity, automation: owner.automation };
  }

  async function list(caller: UserCaller, { limit, cursor }: PageQuery): Promise<Page<ApiToken>> {
    const rows = await listTokens(
      db,
      demandPerson(caller),
      cursor === undefined ? undefined : decodeCursor(cursor),
      limit + 1,
    );
    return toPage(rows, limit, presentToken, ({ id }) => id);
  }

  async function create(caller: UserCaller, body: ApiTokenCreate): Promise<ApiTokenCreated> {
    return transaction(db, async (tx) => {
      const owner = await getOwner(tx, caller, body.user_id ?? demandPerson(caller));
      const limits = body.kind === 'sign_in' ? UNLIMITED : body;
      demandWithin(caller, rightsOf(owner, limits), owner.role as OrganizationRole);
      const expiresAt = inDays(body.kind === 'sign_in' ? SIGN_IN_DAYS : body.expires_in_days);
      const { row, text } = makeToken(
        { organizationId: caller.organizationId, userId: owner.id },
        { name: body.name, kind: body.kind, expiresAt, automation: body.automation ?? false, limits },
      );
      const stored = await insertToken(tx, row);
      await recordChange(tx, {
        caller,
        action: 'create',
        noun: 'token',
        subjectId: stored.id,
        subjectName: body.name,
        after: {
          user: owner.name,
          kind: body.kind,
          expires_at: expiresAt,
          scopes: limits.scopes,
          workspace_ids: limits.workspace_ids,
        },
      });
      return { ...presentToken(stored), token: text };
    });
  }

  async function revoke(caller: UserCaller, id: ApiTokenId): Promise<void> {
    await transaction(db, async (tx) => {
      const token = await getToken(tx, caller, id);
      await revokeToken(tx, id);
      rightsChanged(tx, token.user_id);
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
  if (id !== caller.userId) demandReach(caller, owner);
  return owner;
}

/** A token the caller may revoke; somebody else's is not there for who may not write users. */
async function getToken(tx: Executor, caller: UserCaller, id: ApiTokenId): Promise<TokenRow> {
  const token = await findToken(tx, caller.organizationId, id);
  if (token === undefined || (token.user_id !== caller.userId && !caller.permissions.has('user:write')))
    throw notFound('token', id);
  const owner =
    token.user_id === caller.userId ? undefined : await findUser(tx, caller.organizationId, token.user_id as UserId);
  if (owner !== undefined) demandReach(caller, owner);
  return token;
}
