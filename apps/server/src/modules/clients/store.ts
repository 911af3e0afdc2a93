import type { ClientId, OrganizationId, Permission, PoolId } from '@groundcrew/protocol';
import { type Insertable, sql, type Updateable } from 'kysely';
import { type Executor, named, type Tables } from '../../platform/database/index.ts';
import { isLivingOrganization } from '../users/index.ts';

export interface ClientRow {
  id: ClientId;
  organization_id: OrganizationId;
  name: string;
  description: string;
  app_key: string;
  role: string;
  scopes: Permission[] | null;
  workspace_ids: string[] | null;
  pool_id: PoolId | null;
  previous_secret_until: Date | null;
  created_by: string;
  created_at: Date;
  updated_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
  revoked_at: Date | null;
}

const COLUMNS = [
  'id',
  'organization_id',
  'name',
  'description',
  'app_key',
  'role',
  'scopes',
  'workspace_ids',
  'pool_id',
  'previous_secret_until',
  'created_by',
  'created_at',
  'updated_at',
  'expires_at',
  'last_used_at',
  'revoked_at',
] as const;

export async function insertClient(db: Executor, row: Insertable<Tables['machine_clients']>): Promise<void> {
  await db.insertInto('machine_clients').values(row).execute();
}

const living = (db: Executor, organizationId: OrganizationId) =>
  db
    .selectFrom('machine_clients')
    .select(COLUMNS)
    .where('organization_id', '=', organizationId)
    .where('revoked_at', 'is', null)
    .$castTo<ClientRow>();

export async function findClient(
  db: Executor,
  organizationId: OrganizationId,
  id: ClientId,
): Promise<ClientRow | undefined> {
  return living(db, organizationId).where('id', '=', id).executeTakeFirst();
}

/** As {@link findClient}; whoever changes it too waits until the transaction ends. */
export async function holdClient(
  tx: Executor,
  organizationId: OrganizationId,
  id: ClientId,
): Promise<ClientRow | undefined> {
  return living(tx, organizationId).where('id', '=', id).forUpdate().executeTakeFirst();
}

/** By name, after the name `after`. */
export async function listClients(
  db: Executor,
  organizationId: OrganizationId,
  after: string | undefined,
  limit: number,
): Promise<ClientRow[]> {
  return living(db, organizationId)
    .$if(after !== undefined, (q) => q.where(sql`lower(name)`, '>', sql`lower(${after})`))
    .orderBy(sql`lower(name)`)
    .limit(limit)
    .execute();
}

export async function updateClient(
  db: Executor,
  id: ClientId,
  changes: Updateable<Tables['machine_clients']>,
): Promise<void> {
  await db
    .updateTable('machine_clients')
    .set({ ...changes, updated_at: sql`now()` })
    .where('id', '=', id)
    .execute();
}

/** The secret becomes the previous one and works on for a while. */
export async function rotateSecret(
  tx: Executor,
  id: ClientId,
  secretHash: string,
  overlapSeconds: number,
): Promise<void> {
  await sql`UPDATE machine_clients SET previous_secret_hash = secret_hash, secret_hash = ${secretHash},
      previous_secret_until = now() + make_interval(secs => ${overlapSeconds}), updated_at = now()
    WHERE id = ${id}`.execute(tx);
}

/** What a machine client that proved itself may do. */
export interface ProvedClient {
  id: ClientId;
  organization_id: OrganizationId;
  name: string;
  role: string;
  scopes: Permission[] | null;
  workspace_ids: string[] | null;
  pool_id: PoolId | null;
}

/** Whose key and secret these are, if they are valid now. Notes the use, at most once a minute, in the same round trip. */
export async function findProved(db: Executor, appKey: string, secretHash: string): Promise<ProvedClient | undefined> {
  const { rows } = await sql<ProvedClient>`${named('find_machine_client')}
    WITH found AS (
      SELECT c.id, c.organization_id, c.name, c.role, c.scopes, c.workspace_ids, c.last_used_at, p.id AS pool_id
      FROM machine_clients c LEFT JOIN pools p ON p.id = c.pool_id AND p.deleted_at IS NULL
      WHERE c.app_key = ${appKey} AND c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > now())
        AND ${isLivingOrganization(sql.ref('c.organization_id'))}
        AND (c.secret_hash = ${secretHash} OR (c.previous_secret_hash = ${secretHash} AND c.previous_secret_until > now()))
    ), used AS (
      UPDATE machine_clients SET last_used_at = now() FROM found
      WHERE machine_clients.id = found.id AND (found.last_used_at IS NULL OR found.last_used_at < now() - interval '1 minute')
    )
    SELECT id, organization_id, name, role, scopes, workspace_ids, pool_id FROM found`.execute(db);
  return rows[0];
}
