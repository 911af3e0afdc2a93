import type { AgentId, AgentPermissions, AgentStatus, Capabilities, PoolId, WorkspaceId } from '@groundcrew/protocol';
import type { Executor } from '../../../platform/database/index.ts';
import { createQueueCache, type Queue } from './queue-cache.ts';
import type { AgentView, OrganizationView, PoolView, Snapshot } from './snapshot.ts';
import type { FrameRow, PoolRow } from './snapshot-store.ts';

/** An agent as far as the choice needs it; what it is now is said by the agents module. */
export interface Candidate {
  id: AgentId;
  name: string;
  poolId: PoolId;
  labels: readonly string[];
  capabilities: Partial<Capabilities>;
  permissions: AgentPermissions;
  maxTasks: number;
  planLimit: number | null;
  planLimitReason: string | null;
  status: AgentStatus;
  silentOffers: number;
  draining: boolean;
}

/** Reads the agents that may be given something, remembering what it can between readings. */
export interface CandidateReader {
  /** Gives them as they are at a point in time on the database's clock: their status depends on it. */
  read(db: Executor): Promise<(now: number) => Candidate[]>;
  reset(): void;
}

export interface SnapshotReaderDeps {
  candidates: CandidateReader;
  silentOffersUntilSuspect: number;
}

/** A snapshot with what the queue said of its tasks so far, by arrival, to write only what changed. */
export interface Reading {
  snapshot: Snapshot;
  said: ReadonlyMap<number, { waiting: { rule: string; message: string } | null }>;
}

/** Reads snapshots. Not for two readings at once: what one learns the other would not be told. */
export function createSnapshotReader({ candidates, silentOffersUntilSuspect }: SnapshotReaderDeps) {
  const cache = createQueueCache();

  function reset(): void {
    cache.reset();
    candidates.reset();
  }

  /** Everything in one round trip. Whatever changes meanwhile is caught when the assignment is decided under its lock. */
  async function read(db: Executor): Promise<Reading> {
    // Both have to be over before anything is forgotten: what comes in afterwards would be taken for all there is.
    const [queue, agentsAt] = await Promise.allSettled([cache.read(db), candidates.read(db)]);
    if (queue.status === 'rejected' || agentsAt.status === 'rejected') {
      reset();
      throw [queue, agentsAt].find((part) => part.status === 'rejected')?.reason;
    }
    const { frame, said } = queue.value;
    return { snapshot: toSnapshot(queue.value, agentsAt.value(frame.now)), said };
  }

  const toSnapshot = ({ frame, tasks, workspaces }: Queue, agents: readonly Candidate[]): Snapshot => {
    const views = agents.map((agent) => toAgent(agent, frame.slots?.[agent.id] ?? IDLE));
    return {
      tasks,
      agents: views,
      pools: toPools(frame.pools ?? [], views),
      workspaces,
      organizations: (frame.organizations ?? []).map((row) => toOrganization(row, frame)),
      now: frame.now,
      silentOffersUntilSuspect,
    };
  };

  return { read, reset };
}
export type SnapshotReader = ReturnType<typeof createSnapshotReader>;

const IDLE = [0, 0] as const;
const countAll = (frame: FrameRow, id: string): number => {
  const [plans, applies] = frame.slots?.[id] ?? IDLE;
  return plans + applies;
};

const toOrganization = (
  { id, max_concurrent_tasks }: { id: OrganizationView['id']; max_concurrent_tasks: number },
  frame: FrameRow,
): OrganizationView => ({ id, maxTasks: max_concurrent_tasks, running: countAll(frame, id) });

function toPools(rows: readonly PoolRow[], agents: readonly AgentView[]): PoolView[] {
  const running = new Map<PoolId, number>();
  for (const { poolId, plans, applies } of agents) running.set(poolId, (running.get(poolId) ?? 0) + plans + applies);
  return rows.map((row) => ({
    id: row.id,
    organizationId: row.organization_id,
    name: row.name,
    strategy: row.selection_strategy,
    requiredLabels: row.required_labels,
    maxPlanConcurrency: row.max_plan_concurrency,
    allowApplyConcurrent: row.allow_apply_concurrent,
    lastAgentId: row.last_agent_id,
    running: running.get(row.id) ?? 0,
    maxTasks: row.max_concurrent_tasks,
  }));
}

const toAgent = (candidate: Candidate, [plans, applies]: readonly [number, number]): AgentView => ({
  id: candidate.id,
  name: candidate.name,
  poolId: candidate.poolId,
  status: candidate.status,
  silentOffers: candidate.silentOffers,
  draining: candidate.draining,
  labels: candidate.labels,
  versions: {
    terraform: candidate.capabilities.terraform_versions ?? [],
    tofu: candidate.capabilities.tofu_versions ?? [],
  },
  installsVersions: candidate.capabilities.installs_versions ?? false,
  providers: candidate.capabilities.providers?.length ? candidate.capabilities.providers : null,
  mayExecute: candidate.permissions.can_execute_terraform,
  mayReadSecrets: candidate.permissions.can_access_secrets,
  allowedWorkspaces: candidate.permissions.allowed_workspaces as WorkspaceId[] | null,
  allowedProviders: candidate.permissions.allowed_providers,
  maxTasks: candidate.maxTasks,
  planLimit: candidate.planLimit,
  planLimitReason: candidate.planLimitReason,
  plans,
  applies,
});
