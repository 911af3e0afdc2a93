import { sql } from 'kysely';
import { type Executor, named } from '../../../platform/database/index.ts';
import { type Attempt, nextDeadline, type Task, type Workspace } from '../lifecycle/index.ts';

/** A task that was given an agent: what the life cycle left, to be written. */
export interface OfferToSave {
  readonly organizationId: string;
  readonly workspace: Workspace;
  readonly task: Task;
  readonly attempt: Attempt;
  /** The line of its history. */
  readonly sentence: string;
}

const iso = (instant: number | null): string | null => (instant === null ? null : new Date(instant).toISOString());

/** Everything of an offer that differs from the rows before it, or from the defaults of a new row. */
const toRow = ({ organizationId, workspace, task, attempt, sentence }: OfferToSave) => ({
  organization_id: organizationId,
  workspace_id: workspace.id,
  hold_task_id: workspace.hold,
  task_id: task.id,
  attempt_counter: task.attempts,
  deadline_at: iso(nextDeadline({ workspace, task, attempt })),
  attempt_id: attempt.id,
  epoch: attempt.epoch,
  action: attempt.action,
  agent_id: attempt.agentId,
  state: attempt.state,
  offered_at: iso(attempt.offeredAt),
  offer_expires_at: iso(attempt.offerExpiresAt),
  sentence,
});

/** Writes offers as sets, in one statement. Their workspaces and tasks are locked. */
export async function saveOffers(tx: Executor, offers: readonly OfferToSave[]): Promise<void> {
  const { rows } = await sql<{ tasks: number; attempts: number }>`${named('save_offers')}
    WITH n AS MATERIALIZED (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(offers.map(toRow))}::jsonb) AS r(organization_id text, workspace_id text,
        hold_task_id text, task_id text, attempt_counter integer, deadline_at timestamptz, attempt_id text, epoch bigint, action text,
        agent_id text, state text, offered_at timestamptz, offer_expires_at timestamptz, sentence text)
    ), w AS (
      UPDATE workspaces SET epoch_counter = last.epoch, hold_task_id = last.hold_task_id
      FROM (SELECT DISTINCT ON (workspace_id) workspace_id, epoch, hold_task_id FROM n ORDER BY workspace_id, epoch DESC) last
      WHERE id = last.workspace_id
    ), a AS (
      INSERT INTO attempts (id, organization_id, workspace_id, task_id, number, epoch, action, agent_id, state, offered_at, offer_expires_at)
      SELECT attempt_id, organization_id, workspace_id, task_id, attempt_counter, epoch, action, agent_id, state, offered_at, offer_expires_at FROM n
      RETURNING id
    ), t AS (
      UPDATE tasks SET attempt_id = n.attempt_id, attempt_counter = n.attempt_counter, deadline_at = n.deadline_at
      FROM n WHERE tasks.id = n.task_id RETURNING tasks.id
    ), h AS (
      INSERT INTO task_events (organization_id, task_id, kind, message) SELECT organization_id, task_id, 'offered', sentence FROM n
    )
    SELECT (SELECT count(*) FROM t)::integer AS tasks, (SELECT count(*) FROM a)::integer AS attempts`.execute(tx);
  const [written] = rows;
  if (written?.tasks !== offers.length || written.attempts !== offers.length)
    throw new Error(`Saving ${offers.length} offers wrote ${written?.tasks} tasks and ${written?.attempts} attempts.`);
}
