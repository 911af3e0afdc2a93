import type { OrganizationId, ResourceId, WorkspaceId } from '@groundcrew/protocol';
import { type RawBuilder, sql } from 'kysely';
import type { Executor } from '../../platform/database/index.ts';

export interface ResourceRow {
  id: string;
  workspace_id: string;
  name: string;
  version: number;
  type: string;
  tf_code: string;
  created_at: Date;
  updated_at: Date;
}

const RESOURCE: RawBuilder<unknown> = sql`SELECT r.id, r.workspace_id, r.name, v.version, v.type, v.tf_code, r.created_at, r.updated_at FROM resources r
  JOIN resource_versions v ON v.resource_id = r.id`;

/** One at a version, by default its newest. */
export async function findResource(
  db: Executor,
  workspaceId: WorkspaceId,
  id: ResourceId,
  version?: number,
): Promise<ResourceRow | undefined> {
  const { rows } =
    await sql<ResourceRow>`${RESOURCE} AND v.version = ${version === undefined ? sql`r.version` : version}
    WHERE r.workspace_id = ${workspaceId} AND r.id = ${id} AND r.deleted_at IS NULL`.execute(db);
  return rows[0];
}

/** Newest versions, by name, after the name `after`. */
export async function listResources(
  db: Executor,
  workspaceId: WorkspaceId,
  after: string | undefined,
  limit: number,
): Promise<ResourceRow[]> {
  const { rows } = await sql<ResourceRow>`${RESOURCE} AND v.version = r.version
    WHERE r.workspace_id = ${workspaceId} AND r.deleted_at IS NULL ${after === undefined ? sql`` : sql`AND lower(r.name) > lower(${after})`}
    ORDER BY lower(r.name) LIMIT ${limit}`.execute(db);
  return rows;
}

export async function insertResource(
  tx: Executor,
  row: { id: string; organization_id: string; workspace_id: string; name: string },
): Promise<void> {
  await tx
    .insertInto('resources')
    .values({ ...row, version: 0 })
    .execute();
}

/** Adds a version, numbered by the row's lock. */
export async function addVersion(
  tx: Executor,
  organizationId: OrganizationId,
  id: ResourceId,
  content: { type: string; tf_code: string; created_by: string },
): Promise<void> {
  const { version } = await tx
    .updateTable('resources')
    .set({ version: sql`version + 1`, updated_at: sql`now()` })
    .where('id', '=', id)
    .returning('version')
    .executeTakeFirstOrThrow();
  await tx
    .insertInto('resource_versions')
    .values({ ...content, organization_id: organizationId, resource_id: id, version })
    .execute();
}

/** Makes changes to one wait for each other. */
export async function lockResource(tx: Executor, workspaceId: WorkspaceId, id: ResourceId): Promise<void> {
  await sql`SELECT FROM resources WHERE workspace_id = ${workspaceId} AND id = ${id} FOR UPDATE`.execute(tx);
}

export async function deleteResource(tx: Executor, id: ResourceId): Promise<void> {
  await tx.updateTable('resources').set({ deleted_at: sql`now()` }).where('id', '=', id).execute();
}
