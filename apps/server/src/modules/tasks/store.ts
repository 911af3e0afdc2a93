import type { OrganizationId, PlanDetails, TaskId, WorkspaceId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { type Executor, named } from '../../platform/database/index.ts';

export interface NewTask {
  id: TaskId;
  organization_id: OrganizationId;
  workspace_id: WorkspaceId;
  task_type: string;
  auto_approve: boolean;
  destroy: boolean;
  refresh_only: boolean;
  targets: string;
  replace: string;
  parallelism: number | null;
  configuration_id: string | null;
  resource_versions: string;
  pool_id: string | null;
  priority: number;
  message: string;
  context: string;
  created_by: string;
}

/** Creates a pending task with the first line of its history; the dispatcher does the rest. */
export async function insertTask(db: Executor, task: NewTask, sentence: string): Promise<void> {
  await db
    .with('task', (inner) =>
      inner
        .insertInto('tasks')
        .values({ ...task, status: 'pending' })
        .returning(['id', 'organization_id']),
    )
    .insertInto('task_events')
    .columns(['organization_id', 'task_id', 'kind', 'message'])
    .expression((inner) =>
      inner
        .selectFrom('task')
        .select(['organization_id', 'id', inner.val('created').as('kind'), inner.val(sentence).as('message')]),
    )
    .modifyEnd(named('insert_task'))
    .execute();
}

export interface TaskOrigin {
  workspace_id: WorkspaceId;
  name: string;
  auto_approve: boolean;
  execution_mode: string;
  tf_code: string | null;
  pool_id: string | null;
  pool_name: string | null;
  configuration_id: string | null;
  configuration_found: boolean;
  resource_versions: { resource_id: string; version: number }[];
}

/**
 * What a new task takes from its workspace, in one read. `given` is a configuration that was asked for by id. The workspace cannot
 * be deleted before the transaction has ended.
 */
export async function findOrigin(
  db: Executor,
  organizationId: OrganizationId,
  idOrName: string,
  given: string | undefined,
): Promise<TaskOrigin | undefined> {
  const { rows } = await sql<TaskOrigin>`${named('find_task_origin')}
    SELECT w.id AS workspace_id, w.name, w.auto_approve, w.execution_mode, w.tf_code, p.id AS pool_id, p.name AS pool_name,
      coalesce(${given ?? null}::text, w.configuration_id) AS configuration_id,
      ${given ?? null}::text IS NULL OR EXISTS (SELECT FROM configurations c WHERE c.id = ${given ?? null} AND c.workspace_id = w.id) AS configuration_found,
      (SELECT coalesce(jsonb_agg(jsonb_build_object('resource_id', r.id, 'version', r.version) ORDER BY r.name), '[]')
        FROM resources r WHERE r.workspace_id = w.id AND r.deleted_at IS NULL) AS resource_versions
    FROM workspaces w
      LEFT JOIN pools p ON p.organization_id = w.organization_id AND p.deleted_at IS NULL
        AND CASE w.execution_mode WHEN 'server' THEN p.built_in ELSE p.id = w.agent_pool_id END
    WHERE w.organization_id = ${organizationId} AND (w.id = ${idOrName} OR lower(w.name) = lower(${idOrName})) AND w.deleted_at IS NULL
    ORDER BY w.id = ${idOrName} DESC LIMIT 1 FOR KEY SHARE OF w`.execute(db);
  return rows[0];
}

/** What was planned, as columns for lists and as structure for the details page. */
export async function savePlanDetails(db: Executor, id: TaskId, details: PlanDetails): Promise<void> {
  const { counts } = details;
  await db
    .updateTable('tasks')
    .set({
      plan_details: JSON.stringify(details),
      changes_add: counts.add,
      changes_change: counts.change,
      changes_destroy: counts.destroy,
      changes_replace: counts.replace,
      changes_import: counts.import,
    })
    .where('id', '=', id)
    .execute();
}

export async function findPlanDetails(
  db: Executor,
  organizationId: OrganizationId,
  id: TaskId,
): Promise<PlanDetails | null | undefined> {
  const row = await db
    .selectFrom('tasks')
    .select('plan_details')
    .where('id', '=', id)
    .where('organization_id', '=', organizationId)
    .executeTakeFirst();
  return row && (row.plan_details as PlanDetails | null);
}

export async function saveErrorMessage(db: Executor, id: TaskId, message: string): Promise<void> {
  await db.updateTable('tasks').set({ error_message: message }).where('id', '=', id).execute();
}
