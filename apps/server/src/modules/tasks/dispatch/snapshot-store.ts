import type {
  AgentId,
  OrganizationId,
  PoolId,
  SelectionStrategy,
  TaskId,
  Tool,
  WorkspaceId,
} from '@groundcrew/protocol';
import { sql } from 'kysely';
import { type Executor, named } from '../../../platform/database/index.ts';
import type { PassedOver } from '../lifecycle/index.ts';

/** More than anybody has waiting; a bound for the memory of the server. */
const MOST_TASKS = 100_000;
const WAITS = sql`t.status = 'pending' AND t.attempt_id IS NULL`;

export interface PoolRow {
  id: PoolId;
  organization_id: OrganizationId;
  name: string;
  selection_strategy: SelectionStrategy;
  required_labels: string[];
  max_plan_concurrency: number;
  allow_apply_concurrent: boolean;
  max_concurrent_tasks: number | null;
  last_agent_id: AgentId | null;
}

/** Everything that is read anew on every pass, in one row. */
export interface FrameRow {
  now: number;
  /** Attempts that take a slot, by whom they count for: `[plans, applies]`. One that is proved dead takes none. */
  slots: Readonly<Record<string, readonly [plans: number, applies: number]>> | null;
  pools: PoolRow[] | null;
  organizations: { id: OrganizationId; max_concurrent_tasks: number }[] | null;
  /** Workspaces with sensitive values, where there is an agent that may not read them. */
  with_secrets: WorkspaceId[] | null;
  /** Workspaces where a quarantined state waits for a decision: nothing is approved by itself there. */
  undecided: WorkspaceId[] | null;
}

export async function readFrame(db: Executor): Promise<FrameRow> {
  const { rows } = await sql<FrameRow>`${named('read_queue_frame')}
    SELECT (extract(epoch FROM now()) * 1000)::bigint AS now,
      (SELECT json_object_agg(s.id, json_build_array(s.plans, s.applies)) FROM (
        SELECT coalesce(a.agent_id, a.workspace_id, a.organization_id) AS id, count(*) FILTER (WHERE a.action = 'plan') AS plans, count(*) FILTER (WHERE a.action <> 'plan') AS applies
        FROM attempts a WHERE a.state <> 'ended' AND NOT a.interrupted
        GROUP BY GROUPING SETS ((a.agent_id), (a.workspace_id), (a.organization_id))) s) AS slots,
      (SELECT json_agg(p) FROM (SELECT id, organization_id, name, selection_strategy, required_labels, max_plan_concurrency,
        allow_apply_concurrent, max_concurrent_tasks, last_agent_id FROM pools WHERE deleted_at IS NULL) p) AS pools,
      (SELECT json_agg(json_build_object('id', o.id, 'max_concurrent_tasks', o.max_concurrent_tasks)) FROM organizations o WHERE o.max_concurrent_tasks IS NOT NULL) AS organizations,
      (SELECT json_agg(DISTINCT t.workspace_id) FROM tasks t WHERE ${WAITS}
        AND t.organization_id IN (SELECT g.organization_id FROM agents g WHERE g.deleted_at IS NULL AND g.permissions ->> 'can_access_secrets' = 'false')
        AND EXISTS (SELECT FROM variables v WHERE v.workspace_id = t.workspace_id AND v.sensitive)) AS with_secrets,
      (SELECT json_agg(DISTINCT v.workspace_id) FROM state_versions v WHERE v.standing = 'quarantined'
        AND EXISTS (SELECT FROM tasks t WHERE t.workspace_id = v.workspace_id AND ${WAITS})) AS undecided`.execute(db);
  return rows[0] as FrameRow;
}

export interface TaskRow {
  id: TaskId;
  organization_id: OrganizationId;
  workspace_id: WorkspaceId;
  pool_id: PoolId | null;
  task_type: string;
  phase: string;
  auto_approve: boolean;
  seq: number;
  priority: number;
  queued_at: number;
  passed_over: PassedOver[];
  waiting: { rule: string; message: string } | null;
  /** What an agent found its configuration to use; null while nobody has looked. */
  providers: string[] | null;
}

export interface WorkspaceRow {
  id: WorkspaceId;
  tool: Tool;
  terraform_version: string | null;
  labels: string[];
  preferred_labels: string[];
  /** Names of the providers it configures. */
  providers: string[] | null;
  /** An attempt of it is not proved dead. */
  marked: boolean;
  locked_by: string | null;
  locked: boolean;
  lock_reason: string | null;
  hold_task_id: TaskId | null;
  max_concurrent_tasks: number | null;
  /** When it was last given an agent. Giving it one writes the workspace's row, so this is as new as the row. */
  served_at: number | null;
}

const TASK = sql`SELECT t.id, t.organization_id, t.workspace_id, t.pool_id, t.task_type, t.phase, t.auto_approve, t.seq, t.priority,
  (extract(epoch FROM t.created_at) * 1000)::bigint AS queued_at, t.passed_over, t.waiting, t.providers FROM tasks t`;
const WORKSPACE = sql`SELECT w.id, w.tool, w.terraform_version, w.labels, w.preferred_labels, w.marks <> '[]' AS marked, w.locked_by,
  w.locked_at IS NOT NULL AS locked, w.lock_reason, w.hold_task_id, w.max_concurrent_tasks,
  CASE WHEN jsonb_typeof(w.provider_config) = 'object' THEN (SELECT jsonb_agg(k) FROM jsonb_object_keys(w.provider_config) k) END AS providers,
  (SELECT (extract(epoch FROM a.offered_at) * 1000)::bigint FROM attempts a WHERE a.workspace_id = w.id ORDER BY a.epoch DESC LIMIT 1) AS served_at
  FROM workspaces w`;

/** Which tasks wait, and whatever of them and their workspaces has changed. */
export interface QueueNews {
  /** The oldest transaction that this reading may not have seen: the next one begins there. */
  horizon: string;
  /** Arrivals of all tasks that wait for an agent, with commas between them; null when none does. */
  arrivals: string | null;
  tasks: TaskRow[] | null;
  workspaces: WorkspaceRow[] | null;
}

/**
 * Reads the queue so that a pass costs what has changed and not what there is: of what has not, only the arrivals travel. What
 * travels comes as one JSON document, since the driver reads ten thousand rows a field at a time.
 *
 * A row's `xmin` is the transaction that wrote this version of it. Whatever a snapshot with the horizon `h` did not see was
 * written by `h` or a later one; `age` compares the two as PostgreSQL does, across the wrap-around.
 *
 * @param horizon of the reading before; null reads everything
 */
export async function readQueueNews(db: Executor, horizon: string | null): Promise<QueueNews> {
  const { rows } = await sql<QueueNews>`${named('read_queue_news')}
    WITH q AS MATERIALIZED (
      SELECT t.id, t.seq, t.workspace_id, ${horizon}::xid IS NULL OR age(t.version) <= age(${horizon}::xid) AS is_new,
        ${horizon}::xid IS NULL OR age(w.xmin) <= age(${horizon}::xid) AS has_moved
      FROM (SELECT t.id, t.seq, t.workspace_id, t.xmin AS version FROM tasks t WHERE ${WAITS} ORDER BY t.seq LIMIT ${sql.lit(MOST_TASKS)}) t
        JOIN workspaces w ON w.id = t.workspace_id
    )
    SELECT (pg_snapshot_xmin(pg_current_snapshot())::xid)::text AS horizon, (SELECT string_agg(seq::text, ',') FROM q) AS arrivals,
      (SELECT json_agg(n) FROM (${TASK} WHERE t.id IN (SELECT id FROM q WHERE is_new)) n) AS tasks,
      (SELECT json_agg(n) FROM (${WORKSPACE} WHERE w.id IN (SELECT workspace_id FROM q WHERE is_new OR has_moved)) n) AS workspaces`.execute(
    db,
  );
  return rows[0] as QueueNews;
}
