import type { ConfigurationId, OrganizationId, WorkspaceId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { type Executor, named } from '../../platform/database/index.ts';

export interface ConfigurationRow {
  id: string;
  workspace_id: string;
  number: number;
  source: string;
  blob_id: string;
  checksum: string;
  size: number;
  files: number;
  message: string;
  created_by: string;
  created_at: Date;
}

const COLUMNS = [
  'id',
  'workspace_id',
  'number',
  'source',
  'blob_id',
  'checksum',
  'size',
  'files',
  'message',
  'created_by',
  'created_at',
] as const;

export type NewConfiguration = Omit<ConfigurationRow, 'number' | 'created_at'> & { organization_id: string };

/** Numbers the configuration and makes it the workspace's newest; undefined when the workspace is gone. Its row lock makes numbers follow each other. */
export async function insertConfiguration(tx: Executor, row: NewConfiguration): Promise<ConfigurationRow | undefined> {
  const { rows } = await sql<{
    number: number;
  }>`UPDATE workspaces SET configuration_counter = configuration_counter + 1, configuration_id = ${row.id}, updated_at = now()
    WHERE id = ${row.workspace_id} AND organization_id = ${row.organization_id} AND deleted_at IS NULL RETURNING configuration_counter AS number`.execute(
    tx,
  );
  const number = rows[0]?.number;
  if (number === undefined) return undefined;
  return tx
    .insertInto('configurations')
    .values({ ...row, number })
    .returning(COLUMNS)
    .executeTakeFirstOrThrow();
}

const ofOrganization = (db: Executor, organizationId: OrganizationId) =>
  db.selectFrom('configurations').select(COLUMNS).where('organization_id', '=', organizationId);

export async function findConfiguration(
  db: Executor,
  organizationId: OrganizationId,
  workspaceId: WorkspaceId,
  id: ConfigurationId,
): Promise<ConfigurationRow | undefined> {
  return ofOrganization(db, organizationId)
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .executeTakeFirst();
}

/** Newest first, below the number `below`. */
export async function listConfigurations(
  db: Executor,
  organizationId: OrganizationId,
  workspaceId: WorkspaceId,
  below: number | undefined,
  limit: number,
): Promise<ConfigurationRow[]> {
  return ofOrganization(db, organizationId)
    .where('workspace_id', '=', workspaceId)
    .$if(below !== undefined, (q) => q.where('number', '<', below as number))
    .orderBy('number', 'desc')
    .limit(limit)
    .execute();
}

/** Where the bytes of a configuration are, for whoever has been given its id already. */
export async function findArchive(
  db: Executor,
  id: string,
): Promise<{ blobId: string; checksum: string; size: number } | undefined> {
  const row = await db
    .selectFrom('configurations')
    .select(['blob_id', 'checksum', 'size'])
    .where('id', '=', id)
    .modifyEnd(named('find_archive'))
    .executeTakeFirst();
  return row && { blobId: row.blob_id, checksum: row.checksum, size: row.size };
}
