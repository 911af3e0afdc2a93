import type {
  AgentId,
  AgentPermissions,
  AgentStatus,
  Capabilities,
  PoolId,
  SelectionStrategy,
  TaskId,
  Tool,
  WorkspaceId,
} from '@groundcrew/protocol';
import { sql } from 'kysely';
import { type Executor, named } from '../../../platform/database/index.ts';
import type { PassedOver } from '../lifecycle/index.ts';
import type { AgentView, PoolView, Snapshot, WaitingTask, WorkspaceView } from './snapshot.ts';

interface TaskRow {
  id: TaskId;
  workspace_id: WorkspaceId;
  pool_id: PoolId | null;
  task_type: string;
  phase: string;
  /** As the life cycle has it: not while an attempt is not proven dead or a quarantined state is undecided. */
  auto_approve: boolean;
  seq: number;
  passed_over: PassedOver[];
  tool: Tool;
  terraform_version: string | null;
  labels: string[];
  secrets: boolean;
  locked_by: string | null;
  locked_at: Date | null;
  lock_reason: string | null;
  hold_task_id: TaskId | null;
  waiting: { rule: string; message: string } | null;
  now: Date;
}

/** Tasks that wait for an agent, the most urgent first, with what their workspaces say. */
async function readTasks(db: Executor): Promise<TaskRow[]> {
  const { rows } = await sql<TaskRow>`${named('read_waiting_tasks')}
    SELECT t.id, t.workspace_id, t.pool_id, t.task_type, t.phase, t.auto_approve AND w.marks = '[]' AND NOT EXISTS (SELECT FROM state_versions q WHERE q.workspace_id = w.id AND q.standing = 'quarantined') AS auto_approve, t.seq, t.passed_over, t.waiting, now(),
      w.tool, w.terraform_version, w.labels, w.locked_by, w.locked_at, w.lock_reason, w.hold_task_id,
      EXISTS (SELECT FROM variables v WHERE v.workspace_id = w.id AND v.sensitive) AS secrets
    FROM tasks t JOIN workspaces w ON w.id = t.workspace_id
    WHERE t.status = 'pending' AND t.attempt_id IS NULL
    ORDER BY t.priority DESC, t.seq LIMIT 10000`.execute(db);
  return rows;
}

/** An agent's row as far as the choice needs it; what it is now is said by the agents module. */
export interface CandidateRow {
  id: AgentId;
  name: string;
  pool_id: PoolId;
  labels: string[];
  capabilities: Partial<Capabilities>;
  permissions: AgentPermissions;
  maxTasks: number;
  status: AgentStatus;
  silentOffers: number;
  draining: boolean;
  plans: number;
  applies: number;
}

export type ReadCandidates = (db: Executor) => Promise<CandidateRow[]>;

async function readPools(db: Executor): Promise<PoolView[]> {
  const { rows } = await sql<{
    id: PoolId;
    name: string;
    selection_strategy: SelectionStrategy;
    required_labels: string[];
    max_plan_concurrency: number;
    allow_apply_concurrent: boolean;
    last_agent_id: AgentId | null;
  }>`${named('read_pools')}
    SELECT id, name, selection_strategy, required_labels, max_plan_concurrency, allow_apply_concurrent, last_agent_id FROM pools WHERE deleted_at IS NULL`.execute(
    db,
  );
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    strategy: row.selection_strategy,
    requiredLabels: row.required_labels,
    maxPlanConcurrency: row.max_plan_concurrency,
    allowApplyConcurrent: row.allow_apply_concurrent,
    lastAgentId: row.last_agent_id,
  }));
}

/** What the queue said of the waiting tasks so far, to write only what changed. */
export type Said = ReadonlyMap<TaskId, { rule: string; message: string } | null>;

/** Reads everything the choice looks at. Whatever changes meanwhile is caught when the assignment is decided under its lock. */
export async function readSnapshot(
  db: Executor,
  { readCandidates, silentOffersUntilSuspect }: { readCandidates: ReadCandidates; silentOffersUntilSuspect: number },
): Promise<{ snapshot: Snapshot; said: Said }> {
  const tasks = await readTasks(db);
  const said: Said = new Map(tasks.map((task) => [task.id, task.waiting]));
  const now = tasks[0]?.now.getTime() ?? 0;
  if (tasks.length === 0)
    return { said, snapshot: { tasks: [], agents: [], pools: [], workspaces: [], now, silentOffersUntilSuspect } };
  const [agents, pools] = await Promise.all([readCandidates(db), readPools(db)]);
  return {
    said,
    snapshot: {
      tasks: tasks.map(toWaiting),
      agents: agents.map(toAgent),
      pools,
      workspaces: toWorkspaces(tasks),
      now,
      silentOffersUntilSuspect,
    },
  };
}

const toWaiting = (row: TaskRow): WaitingTask => ({
  id: row.id,
  workspaceId: row.workspace_id,
  poolId: row.pool_id,
  action:
    row.phase === 'apply' ? 'apply' : row.task_type === 'plan_and_apply' && row.auto_approve ? 'plan_apply' : 'plan',
  mayApply: row.task_type === 'plan_and_apply',
  arrival: row.seq,
  needs: {
    tool: row.tool,
    version: row.terraform_version,
    providers: [],
    labels: row.labels,
    preferredLabels: [],
    secrets: row.secrets,
  },
  passedOver: row.passed_over,
});

const toWorkspaces = (rows: readonly TaskRow[]): WorkspaceView[] => [
  ...new Map(
    rows.map((row) => [
      row.workspace_id,
      {
        id: row.workspace_id,
        hold: row.hold_task_id,
        lock: row.locked_at === null ? null : { by: row.locked_by ?? 'the server', reason: row.lock_reason ?? '' },
      },
    ]),
  ).values(),
];

const toAgent = (row: CandidateRow): AgentView => ({
  id: row.id,
  name: row.name,
  poolId: row.pool_id,
  status: row.status,
  silentOffers: row.silentOffers,
  draining: row.draining,
  labels: row.labels,
  versions: { terraform: row.capabilities.terraform_versions ?? [], tofu: row.capabilities.tofu_versions ?? [] },
  installsVersions: row.capabilities.installs_versions ?? false,
  providers: row.capabilities.providers?.length ? row.capabilities.providers : null,
  mayExecute: row.permissions.can_execute_terraform,
  mayReadSecrets: row.permissions.can_access_secrets,
  allowedWorkspaces: row.permissions.allowed_workspaces as WorkspaceId[] | null,
  allowedProviders: row.permissions.allowed_providers,
  maxTasks: row.maxTasks,
  planLimit: null,
  plans: row.plans,
  applies: row.applies,
});
