import type { AgentId, OrganizationId, PoolId, TaskId, WorkspaceId } from '@groundcrew/protocol';
import type { AgentView, Needs, PoolView, Snapshot, WaitingTask, WorkspaceView } from './snapshot.ts';

export const ORGANIZATION = 'org-1' as OrganizationId;
export const POOL = 'pool-1' as PoolId;
export const workspaceId = (n: number | string): WorkspaceId => `ws-${n}` as WorkspaceId;
export const taskId = (n: number | string): TaskId => `task-${n}` as TaskId;
export const agentId = (n: number | string): AgentId => `agent-${n}` as AgentId;

export const needs = (given: Partial<Needs> = {}): Needs => ({
  tool: 'terraform',
  version: null,
  providers: [],
  labels: [],
  preferredLabels: [],
  secrets: false,
  ...given,
});

/** What most tasks need: one object, as the reader of snapshots makes it. */
const USUAL = needs();

export const task = (n: number, given: Partial<WaitingTask> = {}): WaitingTask => ({
  id: taskId(n),
  organizationId: ORGANIZATION,
  workspaceId: workspaceId(n),
  poolId: POOL,
  action: 'plan',
  mayApply: false,
  arrival: n,
  queuedAt: n,
  priority: 0,
  needs: USUAL,
  passedOver: [],
  ...given,
});

/** A task whose next attempt applies. */
export const apply = (n: number, given: Partial<WaitingTask> = {}): WaitingTask =>
  task(n, { action: 'apply', mayApply: true, ...given });

export const agent = (n: number | string, given: Partial<AgentView> = {}): AgentView => ({
  id: agentId(n),
  name: `agent-${n}`,
  poolId: POOL,
  status: 'online',
  silentOffers: 0,
  draining: false,
  labels: [],
  versions: { terraform: ['1.11.4'], tofu: [] },
  installsVersions: false,
  providers: null,
  mayExecute: true,
  mayReadSecrets: true,
  allowedWorkspaces: null,
  allowedProviders: null,
  maxTasks: 5,
  planLimit: null,
  planLimitReason: null,
  plans: 0,
  applies: 0,
  ...given,
});

export const pool = (given: Partial<PoolView> = {}): PoolView => ({
  id: POOL,
  organizationId: ORGANIZATION,
  running: 0,
  maxTasks: null,
  name: 'default',
  strategy: 'round_robin',
  requiredLabels: [],
  maxPlanConcurrency: 3,
  allowApplyConcurrent: false,
  lastAgentId: null,
  ...given,
});

export const workspace = (n: number | string, given: Partial<WorkspaceView> = {}): WorkspaceView => ({
  id: workspaceId(n),
  lock: null,
  hold: null,
  servedAt: null,
  running: 0,
  maxTasks: null,
  ...given,
});

/** Workspaces that are not given are free. */
export function snapshot(
  given: Partial<Omit<Snapshot, 'workspaces'>> & { workspaces?: readonly WorkspaceView[] } = {},
): Snapshot {
  const { workspaces = [], tasks = [], ...rest } = given;
  const free = tasks.map((t) => ({ ...workspace(0), id: t.workspaceId }));
  return {
    tasks,
    agents: [],
    pools: [pool()],
    organizations: [],
    workspaces: new Map([...free, ...workspaces].map((view) => [view.id, view])),
    now: 1_000_000,
    silentOffersUntilSuspect: 3,
    ...rest,
  };
}
