import type { OrganizationId } from '@groundcrew/protocol';
import type { Executor } from '../../platform/database/index.ts';

export interface OrganizationRow {
  id: string;
  name: string;
  created_at: Date;
}

export async function findOrganization(db: Executor, id: OrganizationId): Promise<OrganizationRow | undefined> {
  return db.selectFrom('organizations').select(['id', 'name', 'created_at']).where('id', '=', id).executeTakeFirst();
}

export async function findOrganizationByName(db: Executor, name: string): Promise<OrganizationRow | undefined> {
  return db
    .selectFrom('organizations')
    .select(['id', 'name', 'created_at'])
    .where('name', '=', name)
    .executeTakeFirst();
}

/** The one that was made first. */
export async function findFirstOrganization(db: Executor): Promise<OrganizationRow | undefined> {
  return db
    .selectFrom('organizations')
    .select(['id', 'name', 'created_at'])
    .orderBy('created_at')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
}

export async function insertOrganization(db: Executor, row: { id: string; name: string }): Promise<void> {
  await db.insertInto('organizations').values(row).execute();
}
