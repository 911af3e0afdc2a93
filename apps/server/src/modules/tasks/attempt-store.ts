import type { AttemptId, OrganizationId, RenewRequest, StatusPut, TaskId, WorkspaceId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { type Executor, named } from '../../platform/database/index.ts';

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

/** What the task's configuration was found to use, for whoever offers it next. */
export async function saveProviders(tx: Executor, id: TaskId, providers: readonly string[]): Promise<void> {
  await tx
    .updateTable('tasks')
    .set({ providers: JSON.stringify(providers) })
    .where('id', '=', id)
    .execute();
}
