import type { AgentId, PoolId, TaskId, WorkspaceId } from '@groundcrew/protocol';
import type { AgentView, Needs, PoolView, Snapshot, WaitingTask, WorkspaceView } from './snapshot.ts';

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

export const task = (n: number, given: Partial<WaitingTask> = {}): WaitingTask => ({
  id: taskId(n),
  workspaceId: workspaceId(n),
  poolId: POOL,
  action: 'plan',
  mayApply: false,
  arrival: n,
  needs: needs(),
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
  plans: 0,
  applies: 0,
  ...given,
});

export const pool = (given: Partial<PoolView> = {}): PoolView => ({
  id: POOL,
  name: 'default',
  strategy: 'round_robin',
  requiredLabels: [],
  maxPlanConcurrency: 3,
  allowApplyConcurrent: false,
  lastAgentId: null,
  ...given,
});

export const snapshot = (given: Partial<Snapshot> = {}): Snapshot => ({
  tasks: [],
  agents: [],
  pools: [pool()],
  workspaces: (given.tasks ?? []).map((t): WorkspaceView => ({ id: t.workspaceId, lock: null, hold: null })),
  now: 1_000_000,
  silentOffersUntilSuspect: 3,
  ...given,
});
