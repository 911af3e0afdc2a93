import type { AttemptId, TaskId, WorkspaceId } from '@groundcrew/protocol';
import { type OperationNode, sql } from 'kysely';
import { type Executor, named } from '../../platform/database/index.ts';
import {
  type AttemptRow,
  attemptChanges,
  type Loaded,
  type TaskRow,
  taskChanges,
  toAttempt,
  toTask,
  toWorkspace,
  type WorkspaceRow,
  workspaceChanges,
} from './aggregate-rows.ts';
import type { Aggregate, Attempt, Workspace } from './lifecycle/index.ts';

/**
 * Locks a workspace and reads its fence. The lock is a statement of its own, carried out before the other one though both are
 * sent together: what is read has a snapshot that is newer than the lock, so that nothing decided about a workspace ever rests
 * on what was true before its turn.
 */
export async function lockWorkspace(
  db: Executor,
  id: WorkspaceId,
): Promise<{ organizationId: string; workspace: Workspace; now: number } | undefined> {
  const [, { rows }] = await Promise.all([
    sql`SELECT FROM workspaces WHERE id = ${id} FOR NO KEY UPDATE`.execute(db),
    sql<WorkspaceRow & { now: number }>`SELECT ${FENCE} FROM workspaces w WHERE w.id = ${id}`.execute(db),
  ]);
  const row = rows[0];
  return row && { organizationId: row.organization_id, workspace: toWorkspace(row), now: row.now };
}

/** The clock is read behind the lock: time spent waiting for it has passed. */
const FENCE = sql`(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now, w.id, w.organization_id, w.epoch_counter, w.holder_epoch, w.hold_task_id, w.locked_by, w.locked_by_id, w.locked_at,
  w.lock_reason, w.lock_id, w.marks, w.permit_attempt_id, w.state_version_id, w.state_lineage, w.state_serial, w.state_checksum,
  w.plan_timeout_seconds, w.apply_timeout_seconds,
  (SELECT coalesce(jsonb_agg(v.id), '[]') FROM state_versions v WHERE v.workspace_id = w.id AND v.standing = 'quarantined') AS undecided`;

/**
 * Locks and reads what one event of a task is decided about: workspace, task, attempt, in that order. `attemptId` names the
 * attempt the event speaks of; without it, it is the task's open one.
 */
export async function loadAggregate(db: Executor, taskId: TaskId, attemptId?: AttemptId): Promise<Loaded | undefined> {
  const [, { rows }] = await Promise.all([
    sql`${named('lock_workspace_of_task')} SELECT FROM workspaces
      WHERE id = (SELECT workspace_id FROM tasks WHERE id = ${taskId}) FOR NO KEY UPDATE`.execute(db),
    sql<Record<string, unknown> & { now: number }>`${named('load_aggregate')}
      SELECT ${FENCE}, ${TASK}, ${ATTEMPT}
      FROM tasks t JOIN workspaces w ON w.id = t.workspace_id
        LEFT JOIN attempts a ON a.id = coalesce(${attemptId ?? null}, t.attempt_id) AND a.task_id = t.id
      WHERE t.id = ${taskId} FOR NO KEY UPDATE OF t`.execute(db),
  ]);
  const row = rows[0];
  if (row === undefined) return undefined;
  return split(row, row.now);
}

const TASK = sql`t.id AS t_id, t.task_type AS t_task_type, t.status AS t_status, t.stage AS t_stage, t.phase AS t_phase,
  t.reason_code AS t_reason_code, t.reason_message AS t_reason_message, t.cancel_level AS t_cancel_level, t.cancel_cause AS t_cancel_cause,
  t.auto_approve AS t_auto_approve, t.plan_attempt_id AS t_plan_attempt_id, t.plan_checksum AS t_plan_checksum, t.plan_lineage AS t_plan_lineage,
  t.plan_serial AS t_plan_serial, t.plan_stored_at AS t_plan_stored_at, t.plan_expires_at AS t_plan_expires_at,
  t.plan_has_changes AS t_plan_has_changes, t.approval AS t_approval, t.returns AS t_returns, t.losses AS t_losses,
  t.passed_over AS t_passed_over, t.attempt_counter AS t_attempt_counter, t.attempt_id AS t_attempt_id,
  t.created_at AS t_created_at, t.started_at AS t_started_at, t.completed_at AS t_completed_at`;

const ATTEMPT = sql`a.id AS a_id, a.task_id AS a_task_id, a.number AS a_number, a.epoch AS a_epoch, a.agent_id AS a_agent_id, a.action AS a_action,
  a.state AS a_state, a.outcome AS a_outcome, a.offered_at AS a_offered_at, a.offer_expires_at AS a_offer_expires_at, a.sent_at AS a_sent_at,
  a.accepted_at AS a_accepted_at, a.secret_hash AS a_secret_hash, a.lease_until AS a_lease_until, a.give_up_at AS a_give_up_at,
  a.timeout_at AS a_timeout_at, a.stop_by AS a_stop_by, a.settle_by AS a_settle_by, a.permit AS a_permit, a.permit_nonce AS a_permit_nonce,
  a.lock_id AS a_lock_id, a.interrupted AS a_interrupted, a.exited_at AS a_exited_at, a.finish AS a_finish, a.logs_in AS a_logs_in,
  a.ended_at AS a_ended_at, a.late_finish AS a_late_finish,
  (SELECT jsonb_agg(jsonb_build_object('id', v.id, 'lineage', v.lineage, 'serial', v.serial, 'checksum', v.checksum, 'standing', v.standing) ORDER BY v.version)
    FROM state_versions v WHERE v.attempt_id = a.id) AS a_states`;

function split(row: Record<string, unknown>, now: number): Loaded {
  const part = (prefix: string) =>
    Object.fromEntries(
      Object.entries(row).flatMap(([key, value]) =>
        key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [],
      ),
    );
  const attempt = part('a_') as unknown as AttemptRow & { id: string | null };
  const task = part('t_') as unknown as TaskRow;
  return {
    organizationId: row.organization_id as string,
    now,
    createdAt: task.created_at.getTime(),
    aggregate: {
      workspace: toWorkspace(row as unknown as WorkspaceRow),
      task: toTask(task),
      attempt: attempt.id === null ? undefined : toAttempt(attempt),
    },
  };
}

/** Writes what differs between two aggregates, by named columns, in one statement. The rows are locked by whoever loaded the first one. */
export async function saveAggregate(
  db: Executor,
  before: Aggregate,
  after: Aggregate,
  organizationId: string,
): Promise<void> {
  const { workspace, task, attempt } = after;
  const isNew = before.attempt?.id !== attempt?.id;
  await mustWriteAll(db, [
    update(db, 'workspaces', workspace.id, workspaceChanges(before.workspace, workspace)),
    attempt && isNew ? insertAttempt(db, workspace.id, organizationId, attempt) : undefined,
    attempt && !isNew ? update(db, 'attempts', attempt.id, attemptChanges(before.attempt, attempt)) : undefined,
    update(db, 'tasks', task.id, taskChanges(before, after)),
  ]);
}

export async function saveWorkspace(db: Executor, before: Workspace, after: Workspace): Promise<void> {
  await mustWriteAll(db, [update(db, 'workspaces', after.id, workspaceChanges(before, after))]);
}

/** A statement that writes one row and gives its id, and what tells its text from others': table and number of columns. */
interface Write {
  name: string;
  statement: { toOperationNode(): OperationNode };
}

const update = (
  db: Executor,
  table: 'workspaces' | 'tasks' | 'attempts',
  id: string,
  changes: Record<string, unknown> | undefined,
): Write | undefined =>
  changes && {
    name: `${table}_${Object.keys(changes).length}`,
    statement: db.updateTable(table).set(changes).where('id', '=', id).returning('id'),
  };

const insertAttempt = (db: Executor, workspaceId: string, organizationId: string, attempt: Attempt): Write => ({
  name: 'new_attempt',
  statement: db
    .insertInto('attempts')
    .values({
      id: attempt.id,
      organization_id: organizationId,
      workspace_id: workspaceId,
      task_id: attempt.taskId,
      number: attempt.number,
      epoch: attempt.epoch,
      action: attempt.action,
      agent_id: attempt.agentId,
      offered_at: new Date(attempt.offeredAt),
      ...attemptChanges(undefined, attempt),
      state: attempt.state,
    })
    .returning('id'),
});

/** A write that hits no row would mean that the aggregate is not what we think it is. */
async function mustWriteAll(db: Executor, possible: readonly (Write | undefined)[]): Promise<void> {
  const writes = possible.filter((write) => write !== undefined);
  if (writes.length === 0) return;
  const parts = writes.map(({ name, statement }) => sql`${sql.ref(name)} AS (${statement})`);
  const counts = writes.map(({ name }) => sql`(SELECT count(*) FROM ${sql.ref(name)})`);
  const { rows } = await sql<{ written: number }>`${named(`save_${writes.map(({ name }) => name).join('_')}`)}
    WITH ${sql.join(parts)} SELECT ${sql.join(counts, sql` + `)} AS written`.execute(db);
  if (rows[0]?.written !== writes.length)
    throw new Error(`Saving a decision wrote ${rows[0]?.written} rows instead of ${writes.length}.`);
}

/**
 * Locks and reads many tasks that wait for an agent, with their workspaces. Those that somebody else decides about just now, or
 * that do not wait any more, are left out. Two statements for the same reason as in {@link lockWorkspace}.
 */
export async function lockWaiting(db: Executor, taskIds: readonly TaskId[]): Promise<Loaded[]> {
  const locked = await sql<{ id: WorkspaceId }>`${named('lock_workspaces_of_tasks')} SELECT id FROM workspaces
    WHERE id IN (SELECT workspace_id FROM tasks WHERE id = ANY(${[...taskIds]}::text[])) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED`.execute(
    db,
  );
  const ids = locked.rows.map(({ id }) => id);
  const { rows } = await sql<
    Record<string, unknown> & { now: number }
  >`${named('load_waiting')} SELECT ${FENCE}, ${TASK}
    FROM tasks t JOIN workspaces w ON w.id = t.workspace_id
    WHERE t.id = ANY(${[...taskIds]}::text[]) AND w.id = ANY(${ids}::text[]) AND t.status = 'pending' AND t.attempt_id IS NULL
    FOR NO KEY UPDATE OF t SKIP LOCKED`.execute(db);
  return rows.map((row) => split({ ...row, a_id: null }, row.now));
}
