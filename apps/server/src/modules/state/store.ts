import type { OrganizationId, StateStanding, StateVersionId, TaskId, WorkspaceId } from '@groundcrew/protocol';
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
  standing: StateStanding;
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

export interface StatePage {
  /** Only versions that stand so. */
  standing?: StateStanding | undefined;
  /** Only numbers below that of the page before. */
  before?: number | undefined;
  limit: number;
}

/** What else of the same attempt and lineage is in quarantine with a lower serial. */
export async function listOlderQuarantined(db: Executor, version: StateRow): Promise<StateRow[]> {
  const { rows } = await sql<StateRow>`${ROW} WHERE organization_id = ${version.organization_id}
    AND workspace_id = ${version.workspace_id} AND attempt_id = ${version.attempt_id} AND lineage = ${version.lineage}
    AND serial < ${version.serial} AND standing = 'quarantined' ORDER BY version`.execute(db);
  return rows;
}

/** Versions, newest first. */
export async function listVersions(
  db: Executor,
  organizationId: OrganizationId,
  workspaceId: WorkspaceId,
  { standing, before, limit }: StatePage,
): Promise<StateRow[]> {
  const conditions = [
    sql`workspace_id = ${workspaceId}`,
    sql`organization_id = ${organizationId}`,
    ...(standing === undefined ? [] : [sql`standing = ${standing}`]),
    ...(before === undefined ? [] : [sql`version < ${before}`]),
  ];
  const { rows } =
    await sql<StateRow>`${ROW} WHERE ${sql.join(conditions, sql` AND `)} ORDER BY version DESC LIMIT ${limit}`.execute(
      db,
    );
  return rows;
}

/** Who asked for the task whose attempt wrote a state: an attempt's own name tells people nothing. */
export async function getAskedBy(db: Executor, taskId: TaskId | undefined): Promise<string> {
  const { rows } = await sql<{ created_by: string }>`SELECT created_by FROM tasks WHERE id = ${taskId ?? null}`.execute(
    db,
  );
  const row = rows[0];
  if (row === undefined) throw new Error(`Task ${taskId} is gone while its state is being stored.`);
  return row.created_by;
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
