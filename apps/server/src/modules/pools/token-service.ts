import { newId, newSecret, sha256Hex } from '@groundcrew/kit';
import type {
  OrganizationId,
  Page,
  PageQuery,
  PoolId,
  PoolToken,
  PoolTokenCreate,
  PoolTokenCreated,
  PoolTokenId,
  PoolTokenRotate,
} from '@groundcrew/protocol';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import { AppError, decodeCursor, toPage, type UserCaller } from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import { presentToken } from './present.ts';
import type { PoolRow } from './store.ts';
import * as store from './token-store.ts';

export interface TokenDeps {
  db: Database;
  recordChange: RecordChange;
  /** Throws not-found unless the pool is the organisation's. */
  getPool: (organizationId: OrganizationId, id: PoolId) => Promise<PoolRow>;
  /** Cuts off every agent that signed on with it. */
  tokenRevoked: (id: PoolTokenId) => Promise<void>;
}

const DAY_MS = 86_400_000;
const inDays = (days: number | null): Date | null => (days === null ? null : new Date(Date.now() + days * DAY_MS));

/** Registration tokens: several per pool, so that one can be replaced while the others go on. Only hashes are kept. */
export function createTokenService({ db, recordChange, getPool, tokenRevoked }: TokenDeps) {
  async function get(executor: Executor, pool: PoolRow, id: PoolTokenId): Promise<store.PoolTokenRow> {
    const row = await store.findToken(executor, pool.id as PoolId, id);
    if (row === undefined) throw new AppError('not_found', `Pool ${pool.name} has no token ${id}.`);
    return row;
  }

  async function list(caller: UserCaller, poolId: PoolId, query: PageQuery): Promise<Page<PoolToken>> {
    await getPool(caller.organizationId, poolId);
    const before = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
    return toPage(
      await store.listTokens(db, poolId, before, query.limit + 1),
      query.limit,
      presentToken,
      ({ id }) => id,
    );
  }

  async function create(caller: UserCaller, poolId: PoolId, body: PoolTokenCreate): Promise<PoolTokenCreated> {
    const pool = await getPool(caller.organizationId, poolId);
    const { id, token, row } = makeToken(pool, { name: body.name, expires_at: inDays(body.expires_in_days) });
    await transaction(db, async (tx) => {
      await store.insertToken(tx, row);
      await recordChange(tx, { ...changeOf(caller, pool, 'create_token'), after: { token_id: id, name: body.name } });
    });
    return { ...presentToken(await get(db, pool, id)), token };
  }

  /**
   * A new token in the place of an old one, which counts for the overlap at most. Whoever signed on with the old one has so long
   * to sign on with the new one; nothing that runs is touched by its end.
   *
   * Errors: `conflict` for one that is revoked, has run out or was rotated already.
   */
  async function rotate(
    caller: UserCaller,
    poolId: PoolId,
    oldId: PoolTokenId,
    body: PoolTokenRotate,
  ): Promise<PoolTokenCreated> {
    const pool = await getPool(caller.organizationId, poolId);
    const fresh = await transaction(db, async (tx) => {
      await store.lockToken(tx, oldId);
      const old = await get(tx, pool, oldId);
      refuseUnfit(old);
      const made = makeToken(pool, { name: old.name, expires_at: inDays(body.expires_in_days), rotated_from: oldId });
      await store.insertToken(tx, made.row);
      await store.shortenToken(tx, oldId, body.overlap_seconds);
      await recordChange(tx, {
        ...changeOf(caller, pool, 'rotate_token'),
        before: { token_id: oldId },
        after: { token_id: made.id, overlap_seconds: body.overlap_seconds },
      });
      return made;
    });
    if (body.overlap_seconds === 0) await tokenRevoked(oldId);
    return { ...presentToken(await get(db, pool, fresh.id)), token: fresh.token };
  }

  async function revoke(caller: UserCaller, poolId: PoolId, id: PoolTokenId): Promise<void> {
    const pool = await getPool(caller.organizationId, poolId);
    await get(db, pool, id);
    await transaction(db, async (tx) => {
      if (!(await store.revokeToken(tx, id))) return;
      await recordChange(tx, { ...changeOf(caller, pool, 'revoke_token'), before: { token_id: id } });
    });
    // Also when it was revoked before: that time may have ended before everybody was cut off.
    await tokenRevoked(id);
  }

  /** A registration token for the server's own agent; an earlier one goes. */
  async function renewBuiltIn(organizationId: OrganizationId, poolId: PoolId, name: string): Promise<string> {
    const { token, row } = makeToken({ organization_id: organizationId, id: poolId }, { name, expires_at: null });
    await transaction(db, async (tx) => {
      await tx
        .updateTable('pool_tokens')
        .set({ revoked_at: new Date() })
        .where('pool_id', '=', poolId)
        .where('name', '=', name)
        .where('revoked_at', 'is', null)
        .execute();
      await store.insertToken(tx, row);
    });
    return token;
  }

  return { list, create, rotate, revoke, renewBuiltIn, use: (tokenHash: string) => store.useToken(db, tokenHash) };
}

const changeOf = (caller: UserCaller, { id, name }: PoolRow, action: string) =>
  ({ caller, action, noun: 'pool', subjectId: id, subjectName: name }) as const;

function makeToken(
  { id: pool_id, organization_id }: Pick<PoolRow, 'id' | 'organization_id'>,
  fields: { name: string; expires_at: Date | null; rotated_from?: string },
) {
  const id = newId('ptok') as PoolTokenId;
  const token = `apt_${newSecret()}`;
  return { id, token, row: { id, organization_id, pool_id, token_hash: sha256Hex(token), ...fields } };
}

function refuseUnfit({ id, revoked_at, expires_at }: store.PoolTokenRow): void {
  const isOver = expires_at !== null && expires_at.getTime() <= Date.now();
  if (revoked_at === null && !isOver) return;
  throw new AppError(
    'conflict',
    `Token ${id} ${revoked_at === null ? 'has run out' : 'is revoked'} and cannot be rotated; make a new one.`,
  );
}
