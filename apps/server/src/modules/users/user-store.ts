import type { OrganizationId, OrganizationRole, Role, UserId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import type { Executor } from '../../platform/database/index.ts';
import { isLiving } from './identity.ts';

export interface UserRow {
  id: string;
  organization_id: string;
  name: string;
  email: string | null;
  role: string;
  /** Roles on single workspaces. */
  grants: Record<string, Role> | null;
  has_password: boolean;
  signs_on_elsewhere: boolean;
  created_at: Date;
  updated_at: Date;
}

export async function insertUser(
  db: Executor,
  row: {
    id: string;
    organization_id: string;
    name: string;
    email: string | null;
    role: OrganizationRole;
    oidc_issuer?: string;
    oidc_subject?: string;
  },
): Promise<void> {
  await db.insertInto('users').values(row).execute();
}

export async function findUser(db: Executor, organizationId: OrganizationId, id: UserId): Promise<UserRow | undefined> {
  return living(db, organizationId).where('id', '=', id).executeTakeFirst();
}

/** By name, after the name `after`. */
export async function listUsers(
  db: Executor,
  organizationId: OrganizationId,
  after: string | undefined,
  limit: number,
): Promise<UserRow[]> {
  return living(db, organizationId)
    .$if(after !== undefined, (q) => q.where(sql`lower(name)`, '>', sql`lower(${after})`))
    .orderBy(sql`lower(name)`)
    .limit(limit)
    .execute();
}

const living = (db: Executor, organizationId: OrganizationId) =>
  db
    .selectFrom('users')
    .select(['id', 'organization_id', 'name', 'email', 'role', 'created_at', 'updated_at'])
    .select([
      sql<Record<
        string,
        Role
      > | null>`(SELECT jsonb_object_agg(g.workspace_id, g.role) FROM grants g WHERE g.user_id = users.id)`.as(
        'grants',
      ),
      sql<boolean>`password_hash IS NOT NULL`.as('has_password'),
      sql<boolean>`oidc_subject IS NOT NULL`.as('signs_on_elsewhere'),
    ])
    .where('organization_id', '=', organizationId)
    .where(isLiving('users'));

export async function updateUser(
  db: Executor,
  id: UserId,
  changes: {
    name?: string;
    email?: string | null;
    role?: OrganizationRole;
    oidc_issuer?: string;
    oidc_subject?: string;
    /** Takes the password away. */
    password_hash?: null;
    deleted_at?: Date;
  },
): Promise<void> {
  await db
    .updateTable('users')
    .set({ ...changes, updated_at: sql`now()` })
    .where('id', '=', id)
    .execute();
}

/** Makes changes to an organisation's users wait for each other. Does not hold up rows that only refer to the organisation. */
export async function lockUsers(tx: Executor, organizationId: OrganizationId): Promise<void> {
  await sql`SELECT FROM organizations WHERE id = ${organizationId} FOR NO KEY UPDATE`.execute(tx);
}

export async function countOwners(db: Executor, organizationId: OrganizationId): Promise<number> {
  return (await living(db, organizationId).where('role', '=', 'owner').execute()).length;
}

/** The owner that was there first; without one, whoever was there first. */
export async function findFirstOwner(db: Executor, organizationId: OrganizationId): Promise<UserRow | undefined> {
  return living(db, organizationId)
    .orderBy(sql`role = 'owner'`, 'desc')
    .orderBy('created_at')
    .limit(1)
    .executeTakeFirst();
}
