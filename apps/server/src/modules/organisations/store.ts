import type { OrganizationId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import type { Executor } from '../../platform/database/index.ts';

export interface OrganizationRow {
  id: string;
  name: string;
  created_at: Date;
}

const living = (db: Executor) =>
  db.selectFrom('organizations').select(['id', 'name', 'created_at']).where('deleted_at', 'is', null);

export async function findOrganization(db: Executor, id: OrganizationId): Promise<OrganizationRow | undefined> {
  return living(db).where('id', '=', id).executeTakeFirst();
}

/** By name, whatever its case, or by id. */
export async function findOrganizationByName(db: Executor, name: string): Promise<OrganizationRow | undefined> {
  return living(db)
    .where((where) => where.or([where('id', '=', name), where(sql`lower(name)`, '=', name.toLowerCase())]))
    .executeTakeFirst();
}

/** In the order in which they were made. */
export async function listOrganizations(db: Executor): Promise<OrganizationRow[]> {
  return living(db).orderBy('created_at').orderBy('id').execute();
}

/** The one that was made first. */
export async function findFirstOrganization(db: Executor): Promise<OrganizationRow | undefined> {
  return living(db).orderBy('created_at').orderBy('id').limit(1).executeTakeFirst();
}

export async function insertOrganization(db: Executor, row: { id: string; name: string }): Promise<void> {
  await db.insertInto('organizations').values(row).execute();
}

/** Keeps everybody from adding to the organisation until the transaction is over, since rows of theirs refer to it. */
export async function lockOrganization(tx: Executor, id: string): Promise<void> {
  await tx.selectFrom('organizations').select('id').where('id', '=', id).forUpdate().execute();
}

export async function markDeleted(tx: Executor, id: string): Promise<void> {
  await tx
    .updateTable('organizations')
    .set({ deleted_at: sql<Date>`now()`, updated_at: sql<Date>`now()` })
    .where('id', '=', id)
    .execute();
}

/** What it holds, by noun, without what was deleted. */
export async function countHoldings(db: Executor, id: string): Promise<Record<string, number>> {
  const { rows } = await sql<Record<string, number>>`SELECT
    (SELECT count(*) FROM users WHERE organization_id = ${id} AND deleted_at IS NULL) AS users,
    (SELECT count(*) FROM workspaces WHERE organization_id = ${id} AND deleted_at IS NULL) AS workspaces,
    (SELECT count(*) FROM pools WHERE organization_id = ${id} AND deleted_at IS NULL) AS pools,
    (SELECT count(*) FROM agents WHERE organization_id = ${id} AND deleted_at IS NULL) AS agents,
    (SELECT count(*) FROM tasks WHERE organization_id = ${id}
      AND status IN ('pending', 'running', 'awaiting_approval', 'needs_attention')) AS open_tasks`.execute(db);
  return rows[0] as Record<string, number>;
}

/** Tables of credentials and the column that says since when one is not good any more; a test compares it with the schema. @internal */
export const CREDENTIALS = [
  ['api_tokens', 'revoked_at'],
  ['pool_tokens', 'revoked_at'],
  ['agents', 'token_revoked_at'],
  ['sessions', 'revoked_at'],
  ['machine_clients', 'revoked_at'],
] as const;

export async function revokeCredentials(tx: Executor, id: string): Promise<void> {
  for (const [table, column] of CREDENTIALS)
    await sql`UPDATE ${sql.table(table)} SET ${sql.ref(column)} = now()
      WHERE organization_id = ${id} AND ${sql.ref(column)} IS NULL`.execute(tx);
}
