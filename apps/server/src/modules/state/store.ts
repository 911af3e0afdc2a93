import type { OrganizationId, StateVersionId, WorkspaceId } from '@groundcrew/protocol';
import { type Insertable, sql } from 'kysely';
import type { Executor, Tables } from '../../platform/database/index.ts';

export interface StateRow {
  id: StateVersionId;
  organization_id: OrganizationId;
  workspace_id: WorkspaceId;
  version: number;
  serial: number;
  lineage: string;
  checksum: string;
  size: number;
  blob_id: string;
  standing: 'current' | 'past' | 'superseded' | 'quarantined' | 'discarded';
  standing_reason: string | null;
  terraform_version: string | null;
  resource_count: number;
  outputs: Record<string, { value: unknown; type: unknown; sensitive: boolean }>;
  task_id: string | null;
  attempt_id: string | null;
  created_by: string;
  message: string;
  created_at: Date;
}

const ROW = sql`SELECT id, organization_id, workspace_id, version, serial, lineage, checksum, size, blob_id, standing, standing_reason,
  terraform_version, resource_count, outputs, task_id, attempt_id, created_by, message, created_at FROM state_versions`;

export async function findVersion(
  db: Executor,
  organizationId: OrganizationId,
  id: StateVersionId,
): Promise<StateRow | undefined> {
  const { rows } = await sql<StateRow>`${ROW} WHERE id = ${id} AND organization_id = ${organizationId}`.execute(db);
  return rows[0];
}

export async function findCurrent(
  db: Executor,
  organizationId: OrganizationId,
  workspaceId: WorkspaceId,
): Promise<StateRow | undefined> {
  const { rows } =
    await sql<StateRow>`${ROW} WHERE workspace_id = ${workspaceId} AND organization_id = ${organizationId} AND standing = 'current'`.execute(
      db,
    );
  return rows[0];
}

export async function findByNumber(
  db: Executor,
  organizationId: OrganizationId,
  workspaceId: WorkspaceId,
  version: number,
): Promise<StateRow | undefined> {
  const { rows } =
    await sql<StateRow>`${ROW} WHERE workspace_id = ${workspaceId} AND organization_id = ${organizationId} AND version = ${version}`.execute(
      db,
    );
  return rows[0];
}

/** Versions, newest first, below the number of the page before. */
export async function listVersions(
  db: Executor,
  organizationId: OrganizationId,
  workspaceId: WorkspaceId,
  before: number | undefined,
  limit: number,
): Promise<StateRow[]> {
  const { rows } =
    await sql<StateRow>`${ROW} WHERE workspace_id = ${workspaceId} AND organization_id = ${organizationId}
    AND (${before ?? null}::integer IS NULL OR version < ${before ?? null}::integer) ORDER BY version DESC LIMIT ${limit}`.execute(
      db,
    );
  return rows;
}

/** The next number of the workspace; its row is locked by whoever decides about the state. */
export async function nextVersion(db: Executor, workspaceId: WorkspaceId): Promise<number> {
  const { rows } = await sql<{ number: number }>`UPDATE workspaces SET state_version_counter = state_version_counter + 1
    WHERE id = ${workspaceId} RETURNING state_version_counter AS number`.execute(db);
  const row = rows[0];
  if (row === undefined) throw new Error(`Workspace ${workspaceId} is gone while its state is being stored.`);
  return row.number;
}

/** What was current until now is past. */
export async function retireCurrent(db: Executor, workspaceId: WorkspaceId): Promise<void> {
  await sql`UPDATE state_versions SET standing = 'past', standing_reason = NULL WHERE workspace_id = ${workspaceId} AND standing = 'current'`.execute(
    db,
  );
}

export async function insertVersion(db: Executor, row: Insertable<Tables['state_versions']>): Promise<void> {
  await db.insertInto('state_versions').values(row).execute();
}

export async function setStanding(
  db: Executor,
  id: StateVersionId,
  standing: 'past' | 'discarded',
  reason: string,
): Promise<void> {
  await sql`UPDATE state_versions SET standing = ${standing}, standing_reason = ${reason} WHERE id = ${id} AND standing = 'quarantined'`.execute(
    db,
  );
}

/** Id of a workspace by id or name. */
export async function findWorkspaceId(
  db: Executor,
  organizationId: OrganizationId,
  idOrName: string,
): Promise<WorkspaceId | undefined> {
  const { rows } = await sql<{
    id: WorkspaceId;
  }>`SELECT id FROM workspaces WHERE organization_id = ${organizationId} AND deleted_at IS NULL
    AND (id = ${idOrName} OR lower(name) = lower(${idOrName})) ORDER BY id = ${idOrName} DESC LIMIT 1`.execute(db);
  return rows[0]?.id;
}
