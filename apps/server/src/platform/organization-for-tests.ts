import { newId } from '@groundcrew/kit';
import type { OrganizationId } from '@groundcrew/protocol';
import type { Database } from './database/index.ts';

/** A tenant for rows that need one. */
export async function insertOrganization(db: Database): Promise<OrganizationId> {
  const id = newId('org') as OrganizationId;
  await db.insertInto('organizations').values({ id, name: id }).execute();
  return id;
}
