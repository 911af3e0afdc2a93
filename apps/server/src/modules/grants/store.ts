import type { GrantId, OrganizationId, Role, UserId, WorkspaceId } from '@groundcrew/protocol';
import { type RawBuilder, sql } from 'kysely';
import type { Executor } from '../../platform/database/index.ts';

export interface GrantRow {
  id: GrantId;
  workspace_id: WorkspaceId;
  workspace_name: string;
  user_id: UserId;
  user_name: string;
  role: Role;
  created_by: string;
  created_at: Date;
}

/** Of workspaces and users that are still there. */
const GRANT: RawBuilder<unknown> = sql`SELECT g.id, g.workspace_id, w.name AS workspace_name, g.user_id, u.name AS user_name, g.role,
    g.created_by, g.created_at
  FROM grants g JOIN workspaces w ON w.id = g.workspace_id AND w.deleted_at IS NULL
    JOIN users u ON u.id = g.user_id AND u.deleted_at IS NULL`;

export async function findGrant(
  db: Executor,
  organizationId: OrganizationId,
  id: GrantId,
): Promise<GrantRow | undefined> {
  const { rows } = await sql<GrantRow>`${GRANT} WHERE g.organization_id = ${organizationId} AND g.id = ${id}`.execute(
    db,
  );
  return rows[0];
}

export interface GrantFilter {
  /** Only on these; on all workspaces of the organisation when not given. */
  among?: readonly WorkspaceId[] | undefined;
  workspaceId?: WorkspaceId | undefined;
  userId?: UserId | undefined;
  /** After this id. */
  after?: string | undefined;
  limit: number;
}

/** In the order of their ids. */
export async function listGrants(
  db: Executor,
  organizationId: OrganizationId,
  { among, workspaceId, userId, after, limit }: GrantFilter,
): Promise<GrantRow[]> {
  const conditions = [
    sql`g.organization_id = ${organizationId}`,
    ...(among === undefined ? [] : [sql`g.workspace_id = ANY(${among})`]),
    ...(workspaceId === undefined ? [] : [sql`g.workspace_id = ${workspaceId}`]),
    ...(userId === undefined ? [] : [sql`g.user_id = ${userId}`]),
    ...(after === undefined ? [] : [sql`g.id > ${after}`]),
  ];
  const { rows } =
    await sql<GrantRow>`${GRANT} WHERE ${sql.join(conditions, sql` AND `)} ORDER BY g.id LIMIT ${limit}`.execute(db);
  return rows;
}

/** The grant that a user has on a workspace, held until the transaction ends. */
export async function holdGrant(
  tx: Executor,
  workspaceId: WorkspaceId,
  userId: UserId,
): Promise<{ id: GrantId; role: Role } | undefined> {
  const { rows } = await sql<{
    id: GrantId;
    role: Role;
  }>`SELECT id, role FROM grants WHERE workspace_id = ${workspaceId} AND user_id = ${userId} FOR UPDATE`.execute(tx);
  return rows[0];
}

/** Gives the role; one that is there already becomes this one. Gives the id it has then. */
export async function upsertGrant(
  tx: Executor,
  row: {
    id: GrantId;
    organization_id: OrganizationId;
    workspace_id: WorkspaceId;
    user_id: UserId;
    role: Role;
    created_by: string;
  },
): Promise<GrantId> {
  const { id } = await tx
    .insertInto('grants')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['user_id', 'workspace_id']).doUpdateSet({ role: row.role, created_by: row.created_by }),
    )
    .returning('id')
    .executeTakeFirstOrThrow();
  return id as GrantId;
}

export async function deleteGrant(tx: Executor, id: GrantId): Promise<void> {
  await tx.deleteFrom('grants').where('id', '=', id).execute();
}
