import type { OrganizationId, TaskId, TaskStatus, WorkspaceId } from '@groundcrew/protocol';
import { type RawBuilder, sql } from 'kysely';
import { type Executor, named } from '../../platform/database/index.ts';

/** A task as lists and details show it, with the names it refers to. */
export interface TaskView {
  id: string;
  seq: number;
  organization_id: OrganizationId;
  workspace_id: string;
  workspace_name: string;
  task_type: string;
  status: TaskStatus;
  stage: string | null;
  phase: string;
  reason_code: string | null;
  reason_message: string | null;
  error_message: string | null;
  cancel_level: number;
  auto_approve: boolean;
  destroy: boolean;
  refresh_only: boolean;
  targets: string[];
  replace: string[];
  parallelism: number | null;
  configuration_id: string | null;
  plan_attempt_id: string | null;
  plan_checksum: string | null;
  plan_lineage: string | null;
  plan_serial: number | null;
  plan_expires_at: Date | null;
  plan_has_changes: boolean | null;
  changes_add: number | null;
  changes_change: number | null;
  changes_destroy: number | null;
  changes_replace: number | null;
  changes_import: number | null;
  progress: { done: number; total: number; running: string[] } | null;
  waiting: { rule: string; message: string } | null;
  message: string;
  priority: number;
  context: Record<string, unknown>;
  created_by: string;
  created_at: Date;
  started_at: Date | null;
  completed_at: Date | null;
  attempt_id: string | null;
  /** Also after it has ended. */
  newest_attempt_id: string | null;
  attempt_number: number | null;
  permit: string | null;
  accepted_at: Date | null;
  attempt_action: string | null;
  attempt_state: string | null;
  lease_until: Date | null;
  agent_id: string | null;
  agent_name: string | null;
  now: Date;
}

/** The newest attempt of a task tells where it ran, also after it has ended. */
const VIEW: RawBuilder<unknown> = sql`SELECT t.id, t.seq, t.organization_id, t.workspace_id, w.name AS workspace_name, t.task_type, t.status, t.stage, t.phase,
  t.reason_code, t.reason_message, t.error_message, t.cancel_level, t.auto_approve, t.destroy, t.refresh_only, t.targets, t.replace,
  t.parallelism, t.configuration_id, t.plan_attempt_id, t.plan_checksum, t.plan_lineage, t.plan_serial, t.plan_expires_at, t.plan_has_changes,
  t.changes_add, t.changes_change, t.changes_destroy, t.changes_replace, t.changes_import, t.progress, t.waiting, t.message, t.priority, t.context,
  t.created_by, t.created_at, t.started_at, t.completed_at, t.attempt_id,
  a.id AS newest_attempt_id, a.number AS attempt_number, a.permit, a.accepted_at, a.action AS attempt_action, a.state AS attempt_state, a.lease_until, a.agent_id, g.name AS agent_name, now() AS now
  FROM tasks t JOIN workspaces w ON w.id = t.workspace_id
  LEFT JOIN attempts a ON a.task_id = t.id AND a.number = t.attempt_counter
  LEFT JOIN agents g ON g.id = a.agent_id`;

export async function findTask(
  db: Executor,
  organizationId: OrganizationId,
  id: TaskId,
): Promise<TaskView | undefined> {
  const { rows } =
    await sql<TaskView>`${named('find_task')} ${VIEW} WHERE t.id = ${id} AND t.organization_id = ${organizationId}`.execute(
      db,
    );
  return rows[0];
}

export interface TaskFilter {
  organizationId: OrganizationId;
  workspaceId?: WorkspaceId | undefined;
  /** Only tasks of these; of all workspaces when not given. */
  among?: readonly WorkspaceId[] | undefined;
  status?: TaskStatus | undefined;
  active?: boolean | undefined;
  before?: number | undefined;
  limit: number;
}

/** Tasks, newest first. Every filter has an index behind it, so that a page costs the same with a million finished tasks. */
export async function listTasks(db: Executor, filter: TaskFilter): Promise<TaskView[]> {
  const { organizationId, workspaceId, among, status, active, before, limit } = filter;
  const open = sql`t.status IN ('pending', 'running', 'awaiting_approval', 'needs_attention')`;
  const conditions = [
    sql`t.organization_id = ${organizationId}`,
    ...(workspaceId === undefined ? [] : [sql`t.workspace_id = ${workspaceId}`]),
    ...(among === undefined ? [] : [sql`t.workspace_id = ANY(${among})`]),
    ...(status === undefined ? [] : [sql`t.status = ${status}`]),
    ...(active === undefined ? [] : [active ? open : sql`NOT (${open})`]),
    ...(before === undefined ? [] : [sql`t.seq < ${before}`]),
  ];
  const { rows } =
    await sql<TaskView>`${VIEW} WHERE ${sql.join(conditions, sql` AND `)} ORDER BY t.seq DESC LIMIT ${limit}`.execute(
      db,
    );
  return rows;
}

/** Where a task stands in an agent's list: its newest attempt of it. */
export interface TaskOfAgent {
  task: TaskView;
  attemptId: string;
}

/**
 * Tasks that an agent runs or ran, what it was offered last first, after that of the attempt `after`. Goes by its attempts, which have an
 * index in that order, so that a page costs the same after years of work.
 */
export async function listTasksOfAgent(
  db: Executor,
  {
    organizationId,
    agentId,
    among,
    after,
    limit,
  }: Pick<TaskFilter, 'organizationId' | 'among' | 'limit'> & { agentId: string; after: string | undefined },
): Promise<TaskOfAgent[]> {
  const reach = among === undefined ? sql`` : sql`AND a.workspace_id = ANY(${among})`;
  const below = sql`AND (a.offered_at, a.id) < (SELECT c.offered_at, c.id FROM attempts c WHERE c.id = ${after})`;
  const { rows: places } = await sql<{ id: string; task_id: string }>`SELECT a.id, a.task_id FROM attempts a
    WHERE a.organization_id = ${organizationId} AND a.agent_id = ${agentId} ${after === undefined ? sql`` : below} ${reach}
      AND NOT EXISTS (SELECT FROM attempts n WHERE n.task_id = a.task_id AND n.agent_id = a.agent_id AND n.number > a.number)
    ORDER BY a.offered_at DESC, a.id DESC LIMIT ${limit}`.execute(db);
  const { rows } =
    await sql<TaskView>`${VIEW} WHERE t.id = ANY(${places.map(({ task_id }) => task_id)}::text[])`.execute(db);
  const tasks = new Map(rows.map((task) => [task.id, task]));
  return places.flatMap(({ id, task_id }) => {
    const task = tasks.get(task_id);
    return task === undefined ? [] : [{ task, attemptId: id }];
  });
}

export interface AttemptView {
  id: string;
  task_id: string;
  number: number;
  epoch: number;
  action: string;
  state: string;
  outcome: string | null;
  outcome_message: string | null;
  permit: string;
  agent_id: string;
  agent_name: string | null;
  terraform_version: string | null;
  offered_at: Date;
  sent_at: Date | null;
  accepted_at: Date | null;
  lease_until: Date | null;
  exited_at: Date | null;
  ended_at: Date | null;
  exit_code: number | null;
  signal: string | null;
}

export async function listAttempts(
  db: Executor,
  organizationId: OrganizationId,
  taskId: TaskId,
): Promise<AttemptView[]> {
  const { rows } =
    await sql<AttemptView>`SELECT a.id, a.task_id, a.number, a.epoch, a.action, a.state, a.outcome, a.outcome_message, a.permit, a.agent_id,
    g.name AS agent_name, a.terraform_version, a.offered_at, a.sent_at, a.accepted_at, a.lease_until, a.exited_at, a.ended_at, a.exit_code, a.signal
    FROM attempts a LEFT JOIN agents g ON g.id = a.agent_id
    WHERE a.task_id = ${taskId} AND a.organization_id = ${organizationId} ORDER BY a.number DESC`.execute(db);
  return rows;
}
