import type {
  Action,
  AgentId,
  AgentStatus,
  OrganizationId,
  PoolId,
  SelectionStrategy,
  TaskId,
  Tool,
  WorkspaceId,
} from '@groundcrew/protocol';
import type { Instant, PassedOver } from '../lifecycle/index.ts';

/** What a task asks of whoever carries it out. */
export interface Needs {
  readonly tool: Tool;
  /** An exact version, or null for whatever the agent has. */
  readonly version: string | null;
  /** What an agent found the configuration to use; before that, what the workspace configures. */
  readonly providers: readonly string[];
  /** Labels an agent must carry, beside those its pool requires. */
  readonly labels: readonly string[];
  /** Labels that make an agent the better choice under `label_match`. */
  readonly preferredLabels: readonly string[];
  /** True when the task has sensitive values that an agent of its organisation may not read. */
  readonly secrets: boolean;
}

/** A task that waits for an agent. */
export interface WaitingTask {
  readonly id: TaskId;
  readonly organizationId: OrganizationId;
  readonly workspaceId: WorkspaceId;
  readonly poolId: PoolId | null;
  /** What its next attempt will do; both phases count as an apply. */
  readonly action: Action;
  readonly mayApply: boolean;
  /** Order of arrival: on one workspace, tasks that may apply take turns by it. */
  readonly arrival: number;
  /** When it was asked for. */
  readonly queuedAt: Instant;
  /** Each point counts as a minute of waiting. */
  readonly priority: number;
  /** One object for all tasks that need the same, or the choice takes as long as there are objects. */
  readonly needs: Needs;
  readonly passedOver: readonly PassedOver[];
}

/** An agent with what it can, may and does. Its slots are counted from attempts that are offered or running, never from heartbeats. */
export interface AgentView {
  readonly id: AgentId;
  readonly name: string;
  readonly poolId: PoolId;
  readonly status: AgentStatus;
  /** Sent offers in a row that it left unanswered. */
  readonly silentOffers: number;
  readonly draining: boolean;
  readonly labels: readonly string[];
  readonly versions: Readonly<Record<Tool, readonly string[]>>;
  readonly installsVersions: boolean;
  /** Providers it can reach; null when it did not say. */
  readonly providers: readonly string[] | null;
  readonly mayExecute: boolean;
  readonly mayReadSecrets: boolean;
  /** Null allows all; an empty list allows nothing. */
  readonly allowedWorkspaces: readonly WorkspaceId[] | null;
  readonly allowedProviders: readonly string[] | null;
  /** Plans and applies together. */
  readonly maxTasks: number;
  /** Adaptive limit of plans by measured load, as the agent reports it; null when it has none. */
  readonly planLimit: number | null;
  /** The agent's own words for that limit. */
  readonly planLimitReason: string | null;
  readonly plans: number;
  readonly applies: number;
}

/** How many tasks run at once somewhere, and how many may; null is no limit. */
export interface Room {
  readonly running: number;
  readonly maxTasks: number | null;
}

export interface PoolView extends Room {
  readonly id: PoolId;
  readonly organizationId: OrganizationId;
  readonly name: string;
  readonly strategy: SelectionStrategy;
  readonly requiredLabels: readonly string[];
  /** Per agent. */
  readonly maxPlanConcurrency: number;
  /** When false, an agent has at most one apply and takes nothing new while it applies. */
  readonly allowApplyConcurrent: boolean;
  /** The agent that was last given something: where taking turns goes on. */
  readonly lastAgentId: AgentId | null;
}

export interface WorkspaceView extends Room {
  readonly id: WorkspaceId;
  readonly lock: { readonly by: string; readonly reason: string } | null;
  readonly hold: TaskId | null;
  /** When it was last given an agent; null if never. */
  readonly servedAt: Instant | null;
}

export interface OrganizationView extends Room {
  readonly id: OrganizationId;
}

/** Everything the choice looks at, read at one moment. */
export interface Snapshot {
  readonly tasks: readonly WaitingTask[];
  readonly agents: readonly AgentView[];
  readonly pools: readonly PoolView[];
  /** Those of the waiting tasks. */
  readonly workspaces: ReadonlyMap<WorkspaceId, WorkspaceView>;
  readonly organizations: readonly OrganizationView[];
  readonly now: Instant;
  /** Silent offers in a row from which on an agent is suspect. */
  readonly silentOffersUntilSuspect: number;
}
