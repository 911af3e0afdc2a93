import type { OrganizationId, TaskId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { type Executor, named } from '../../platform/database/index.ts';

export interface TaskEventRow {
  seq: number;
  at: Date;
  kind: string;
  message: string;
  data: unknown;
}

export async function insertTaskEvent(
  db: Executor,
  organizationId: string,
  taskId: string,
  kind: string,
  message: string,
  data: unknown = {},
): Promise<void> {
  await sql`${named('insert_task_event')} INSERT INTO task_events (organization_id, task_id, kind, message, data)
    VALUES (${organizationId}, ${taskId}, ${kind}, ${message}, ${JSON.stringify(data)})`.execute(db);
}

/** A task's history, oldest first, after `seq`. */
export async function listTaskEvents(
  db: Executor,
  organizationId: OrganizationId,
  taskId: TaskId,
  after: number,
  limit: number,
): Promise<TaskEventRow[]> {
  return (await db
    .selectFrom('task_events')
    .select(['seq', 'at', 'kind', 'message', 'data'])
    .where('organization_id', '=', organizationId)
    .where('task_id', '=', taskId)
    .where('seq', '>', after)
    .orderBy('seq')
    .limit(limit)
    .execute()) as TaskEventRow[];
}

/** Where a task belongs. */
interface TaskPlace {
  organizationId: OrganizationId;
  workspaceId: string;
}

export async function findTaskPlace(db: Executor, id: TaskId): Promise<TaskPlace | undefined> {
  const { rows } =
    await sql<TaskPlace>`SELECT organization_id AS "organizationId", workspace_id AS "workspaceId" FROM tasks WHERE id = ${id}`.execute(
      db,
    );
  return rows[0];
}
