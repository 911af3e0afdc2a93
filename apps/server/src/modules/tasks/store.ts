import type {
  AttemptId,
  OrganizationId,
  PlanDetails,
  RenewRequest,
  StatusPut,
  TaskId,
  TaskStatus,
  WorkspaceId,
} from '@groundcrew/protocol';
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
  context: Record<string, unknown>;
  created_by: string;
  created_at: Date;
  started_at: Date | null;
  completed_at: Date | null;
  attempt_id: string | null;
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
  t.changes_add, t.changes_change, t.changes_destroy, t.changes_replace, t.changes_import, t.progress, t.waiting, t.message, t.context,
  t.created_by, t.created_at, t.started_at, t.completed_at, t.attempt_id,
  a.action AS attempt_action, a.state AS attempt_state, a.lease_until, a.agent_id, g.name AS agent_name, now() AS now
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
  agentId?: string | undefined;
  status?: TaskStatus | undefined;
  active?: boolean | undefined;
  before?: number | undefined;
  limit: number;
}

/** Tasks, newest first. Every filter has an index behind it, so that a page costs the same with a million finished tasks. */
export async function listTasks(db: Executor, filter: TaskFilter): Promise<TaskView[]> {
  const { organizationId, workspaceId, agentId, status, active, before, limit } = filter;
  const open = sql`t.status IN ('pending', 'running', 'awaiting_approval', 'needs_attention')`;
  const conditions = [
    sql`t.organization_id = ${organizationId}`,
    ...(workspaceId === undefined ? [] : [sql`t.workspace_id = ${workspaceId}`]),
    ...(agentId === undefined ? [] : [sql`t.id IN (SELECT task_id FROM attempts WHERE agent_id = ${agentId})`]),
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

/** Progress and the like, of the attempt under way: nothing is decided about them, so they need no lock. */
export async function saveProgress(
  db: Executor,
  id: TaskId,
  attemptId: AttemptId,
  { progress, terraform_version }: Pick<RenewRequest, 'progress' | 'terraform_version'>,
): Promise<void> {
  if (progress !== undefined)
    await db
      .updateTable('tasks')
      .set({ progress: JSON.stringify(progress) })
      .where('id', '=', id)
      .where('attempt_id', '=', attemptId)
      .execute();
  if (terraform_version !== undefined)
    await db.updateTable('attempts').set({ terraform_version }).where('id', '=', attemptId).execute();
}

/** What agents of other makes tell of a plan without its details. */
export type ReportedCounts = Pick<StatusPut, 'changes_add' | 'changes_change' | 'changes_destroy' | 'progress'>;

export async function saveCounts(
  db: Executor,
  id: TaskId,
  attemptId: AttemptId,
  { progress, changes_add, changes_change, changes_destroy }: ReportedCounts,
): Promise<void> {
  const counts = { changes_add, changes_change, changes_destroy };
  const given = Object.entries(counts).filter(([, count]) => count !== undefined);
  const columns = { ...Object.fromEntries(given), ...(progress && { progress: JSON.stringify(progress) }) };
  if (Object.keys(columns).length === 0) return;
  await db.updateTable('tasks').set(columns).where('id', '=', id).where('attempt_id', '=', attemptId).execute();
}

export async function saveErrorMessage(db: Executor, id: TaskId, message: string): Promise<void> {
  await db.updateTable('tasks').set({ error_message: message }).where('id', '=', id).execute();
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

export interface AttemptIdentity {
  attemptId: AttemptId;
  taskId: TaskId;
  workspaceId: WorkspaceId;
  organizationId: OrganizationId;
  agentId: string;
}

/** Whose secret this is. The secret alone names the attempt; whether it may still act is decided by the life cycle. */
export async function findAttemptBySecret(db: Executor, secretHash: string): Promise<AttemptIdentity | undefined> {
  const { rows } =
    await sql<AttemptIdentity>`${named('find_attempt_by_secret')} SELECT id AS "attemptId", task_id AS "taskId", workspace_id AS "workspaceId",
    organization_id AS "organizationId", agent_id AS "agentId" FROM attempts WHERE secret_hash = ${secretHash}`.execute(
      db,
    );
  return rows[0];
}

/** An attempt as far as it matters to what it may still do, with what belongs to its task. */
export interface ActingAttempt {
  id: AttemptId;
  number: number;
  epoch: number;
  state: string;
  outcome: string | null;
  action: string;
  configuration_id: string | null;
  plan_attempt_id: AttemptId | null;
}

export async function findActing(db: Executor, id: AttemptId): Promise<ActingAttempt | undefined> {
  const { rows } =
    await sql<ActingAttempt>`${named('find_acting')} SELECT a.id, a.number, a.epoch, a.state, a.outcome, a.action, t.configuration_id, t.plan_attempt_id
    FROM attempts a JOIN tasks t ON t.id = a.task_id WHERE a.id = ${id}`.execute(db);
  return rows[0];
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
