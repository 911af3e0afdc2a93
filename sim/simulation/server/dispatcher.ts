import { newId } from '@groundcrew/kit';
import type { AttemptId, OrganizationId, PoolId, TaskId } from '@groundcrew/protocol';
import { choose } from '@groundcrew/server/dispatch/choose';
import type { AgentView, Needs, Snapshot, WaitingTask, WorkspaceView } from '@groundcrew/server/dispatch/snapshot';
import { START_FIGURES, type Workspace } from '@groundcrew/server/lifecycle';
import type { World } from '../world.ts';
import type { Database } from './database.ts';
import { ServerRefusal } from './refusal.ts';
import type { AgentRow } from './tables.ts';

const ORGANIZATION = 'org-simulated' as OrganizationId;
const NEEDS: Needs = {
  tool: 'terraform',
  version: null,
  providers: [],
  labels: [],
  preferredLabels: [],
  secrets: true,
};
const POOL = 'pool-simulated' as PoolId;
/** An agent that polls comes again within this; see the server's `isReachable`. */
const PULLS_WITHIN_MS = 40_000;
const HEARD_WITHIN_MS = 90_000;

/** One pass over the queue: the product's choice, then one decision for each offer. */
export function createDispatcher(database: Database, { loop, dice }: World) {
  const random = dice.fork('choose').next;

  function snapshot(): Snapshot {
    const { tables } = database;
    const fences = [...tables.fences.values()];
    const waiting = fences.flatMap(({ tasks }) => tasks.filter((t) => t.status === 'pending' && t.attemptId === null));
    return {
      tasks: waiting.map(({ id }) => toWaiting(id)).sort((a, b) => a.arrival - b.arrival),
      agents: [...tables.agents.values()].map(toView),
      pools: [
        {
          id: POOL,
          organizationId: ORGANIZATION,
          running: 0,
          maxTasks: null,
          name: 'simulated',
          strategy: 'least_busy' as never,
          requiredLabels: [],
          maxPlanConcurrency: 3,
          allowApplyConcurrent: true,
          lastAgentId: null,
        },
      ],
      workspaces: new Map(fences.map(({ workspace }) => [workspace.id, toWorkspace(workspace)])),
      organizations: [],
      now: loop.now(),
      silentOffersUntilSuspect: START_FIGURES.silentOffersUntilSuspect,
    };
  }

  function toWaiting(id: TaskId): WaitingTask {
    const fence = database.fenceOf(id);
    const task = fence.tasks.find((known) => known.id === id);
    const { workspace } = fence;
    if (task === undefined) throw new Error(`there is no task ${id}`);
    const auto = task.autoApprove && workspace.marks.length === 0 && workspace.undecided.length === 0;
    const mayApply = task.type === 'plan_and_apply';
    return {
      id,
      organizationId: ORGANIZATION,
      workspaceId: workspace.id,
      poolId: POOL,
      action: task.phase === 'apply' ? 'apply' : mayApply && auto ? 'plan_apply' : 'plan',
      mayApply,
      arrival: database.tables.tasks.get(id)?.arrival ?? 0,
      queuedAt: database.tables.tasks.get(id)?.arrival ?? 0,
      priority: 0,
      needs: NEEDS,
      passedOver: task.passedOver,
    };
  }

  function toView({ id, lastHeartbeatAt, lastPullAt, silentOffers }: AgentRow): AgentView {
    const open = [...database.tables.fences.values()]
      .flatMap(({ attempts }) => attempts)
      .filter((attempt) => attempt.agentId === id && attempt.state !== 'ended');
    const plans = open.filter(({ action }) => action === 'plan').length;
    const isOnline = loop.now() - lastPullAt <= PULLS_WITHIN_MS && loop.now() - lastHeartbeatAt <= HEARD_WITHIN_MS;
    const isSuspect = silentOffers >= START_FIGURES.silentOffersUntilSuspect;
    return {
      id,
      name: id,
      poolId: POOL,
      status: !isOnline ? 'offline' : isSuspect ? 'error' : open.length > 0 ? 'busy' : 'online',
      silentOffers,
      draining: false,
      labels: [],
      versions: { terraform: ['1.11.4'], tofu: [] },
      installsVersions: false,
      providers: null,
      mayExecute: true,
      mayReadSecrets: true,
      allowedWorkspaces: null,
      allowedProviders: null,
      maxTasks: 3,
      planLimit: null,
      planLimitReason: null,
      plans,
      applies: open.length - plans,
    };
  }

  return {
    pass(): void {
      for (const { taskId, agentId } of choose(snapshot(), random).assignments) {
        try {
          const attemptId = newId('att') as AttemptId;
          database.decide(taskId, { kind: 'assign', attemptId, agentId, firstInOrder: true });
        } catch (error) {
          if (!(error instanceof ServerRefusal)) throw error;
        }
      }
    },
  };
}

const toWorkspace = ({ id, hold, lock }: Workspace): WorkspaceView => ({
  id,
  hold,
  lock: lock === null ? null : { by: 'somebody', reason: lock.reason },
  servedAt: null,
  running: 0,
  maxTasks: null,
});
