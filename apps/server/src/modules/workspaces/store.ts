import type { OrganizationId, PoolId, WorkspaceId } from '@groundcrew/protocol';
import { type RawBuilder, sql } from 'kysely';
import type { Executor } from '../../platform/database/index.ts';
import type { WorkspaceRow } from './workspace.ts';

const WORKSPACE: RawBuilder<unknown> = sql`SELECT w.id, w.organization_id, w.name, w.description, w.tool, w.terraform_version, w.execution_mode,
    w.agent_pool_id, w.k8s_config_id, w.labels, w.preferred_labels, w.max_concurrent_tasks, w.auto_approve, w.working_directory, w.provider_config, w.tf_code,
    w.plan_timeout_seconds, w.apply_timeout_seconds, w.metadata, w.locked_by, w.locked_at, w.lock_reason, w.marks, w.hold_task_id,
    w.configuration_id, w.created_at, w.updated_at,
    (SELECT jsonb_build_object('id', s.id, 'version', s.version, 'serial', s.serial, 'lineage', s.lineage,
      'resource_count', s.resource_count, 'created_at', s.created_at)
      FROM state_versions s WHERE s.id = w.state_version_id) AS state,
    (SELECT count(*)::integer FROM state_versions s WHERE s.workspace_id = w.id AND s.standing = 'quarantined') AS quarantined_states
  FROM workspaces w`;

/** One that is not deleted, by id or by name; an id wins over a name that reads like one. */
export async function findWorkspace(
  db: Executor,
  organizationId: OrganizationId,
  idOrName: string,
): Promise<WorkspaceRow | undefined> {
  const { rows } =
    await sql<WorkspaceRow>`${WORKSPACE} WHERE w.organization_id = ${organizationId} AND w.deleted_at IS NULL
    AND (w.id = ${idOrName} OR lower(w.name) = lower(${idOrName})) ORDER BY w.id = ${idOrName} DESC LIMIT 1`.execute(
      db,
    );
  return rows[0];
}

/** As {@link findWorkspace}, for callers that need no more than the id. */
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

/** By name, after the name `after`; `search` is a part of the name. */
export async function listWorkspaces(
  db: Executor,
  organizationId: OrganizationId,
  query: {
    /** Only these; all of the organisation when not given. */
    ids?: readonly WorkspaceId[] | undefined;
    search?: string | undefined;
    after?: string | undefined;
    limit: number;
  },
): Promise<WorkspaceRow[]> {
  const after = query.after === undefined ? sql`` : sql`AND lower(w.name) > lower(${query.after})`;
  const among = query.ids === undefined ? sql`` : sql`AND w.id = ANY(${query.ids})`;
  const search = query.search === undefined ? sql`` : sql`AND position(lower(${query.search}) IN lower(w.name)) > 0`;
  const { rows } =
    await sql<WorkspaceRow>`${WORKSPACE} WHERE w.organization_id = ${organizationId} AND w.deleted_at IS NULL ${after} ${among} ${search}
    ORDER BY lower(w.name) LIMIT ${query.limit}`.execute(db);
  return rows;
}

/**
 * Makes everybody who decides about the workspace wait, in a statement of its own, so that what is read next is newer than the
 * lock. Errors none; gives false when it is not there.
 */
export async function lockRow(tx: Executor, id: WorkspaceId): Promise<boolean> {
  const { rows } = await sql`SELECT FROM workspaces WHERE id = ${id} AND deleted_at IS NULL FOR UPDATE`.execute(tx);
  return rows.length > 0;
}

export async function insertWorkspace(
  db: Executor,
  row: { id: string; organization_id: string; name: string } & Record<string, unknown>,
): Promise<void> {
  await db
    .insertInto('workspaces')
    .values(row as never)
    .execute();
}

export async function updateWorkspace(db: Executor, id: WorkspaceId, columns: Record<string, unknown>): Promise<void> {
  await db
    .updateTable('workspaces')
    .set({ ...columns, updated_at: sql`now()` })
    .where('id', '=', id)
    .execute();
}

/** Ids of tasks that have not ended; a few are enough to name. */
export async function listOpenTasks(db: Executor, id: WorkspaceId): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`SELECT id FROM tasks WHERE workspace_id = ${id}
    AND status IN ('pending', 'running', 'awaiting_approval', 'needs_attention') ORDER BY seq LIMIT 5`.execute(db);
  return rows.map((row) => row.id);
}

/** Whether the pool is the organisation's and not deleted; held until the transaction ends. */
export async function holdPool(tx: Executor, organizationId: OrganizationId, id: PoolId): Promise<boolean> {
  const { rows } =
    await sql`SELECT FROM pools WHERE organization_id = ${organizationId} AND id = ${id} AND deleted_at IS NULL FOR KEY SHARE`.execute(
      tx,
    );
  return rows.length > 0;
}
