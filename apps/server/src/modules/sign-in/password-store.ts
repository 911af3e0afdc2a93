import type { OrganizationId, UserId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import type { Executor } from '../../platform/database/index.ts';
import { isLiving } from '../users/index.ts';

export interface Account {
  id: UserId;
  organization_id: OrganizationId;
  password_hash: string | null;
}

/** Whose name or e-mail address this is; a name counts before an address. Several, when organisations share it. */
export async function findAccounts(db: Executor, login: string, organization: string | undefined): Promise<Account[]> {
  const where = organization === undefined ? sql`` : sql`AND lower(o.name) = lower(${organization})`;
  const { rows } = await sql<Account & { by_name: boolean }>`
    SELECT u.id, u.organization_id, u.password_hash, lower(u.name) = lower(${login}) AS by_name
    FROM users u JOIN organizations o ON o.id = u.organization_id
    WHERE ${isLiving('u')} AND (lower(u.name) = lower(${login}) OR lower(u.email) = lower(${login})) ${where}
    LIMIT 10`.execute(db);
  const named = rows.filter((row) => row.by_name);
  return named.length > 0 ? named : rows;
}

/** Held until the transaction ends: what is made for a right password is made before or after a change of it, never across. */
export async function holdPasswordHash(tx: Executor, id: UserId): Promise<string | null | undefined> {
  const { rows } = await sql<{
    password_hash: string | null;
  }>`SELECT password_hash FROM users WHERE id = ${id} FOR SHARE`.execute(tx);
  return rows[0]?.password_hash;
}

export async function findPasswordHash(db: Executor, id: UserId): Promise<string | null | undefined> {
  return (await db.selectFrom('users').select('password_hash').where('id', '=', id).executeTakeFirst())?.password_hash;
}

/** @param was only while this is the hash, so that of two changes at once one is refused; null for none */
export async function savePasswordHash(tx: Executor, id: UserId, hash: string, was: string | null): Promise<boolean> {
  const { rows } = await sql`UPDATE users SET password_hash = ${hash}, password_changed_at = now(), updated_at = now()
    WHERE id = ${id} AND deleted_at IS NULL AND password_hash IS NOT DISTINCT FROM ${was} RETURNING 1`.execute(tx);
  return rows.length > 0;
}
