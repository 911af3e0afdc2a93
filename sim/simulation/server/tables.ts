import type { AgentId, AttemptId, Phase, StateVersionId, TaskId, WorkspaceId } from '@groundcrew/protocol';
import type { World as Fence } from '@groundcrew/server/lifecycle/world';

/** A stored log. */
export interface Stream {
  readonly attemptId: AttemptId;
  readonly phase: Phase;
  readonly bytes: Buffer;
  readonly final: { readonly length: number; readonly checksum: string } | undefined;
  /** Everything that the exit record names is stored. */
  readonly whole: boolean;
}

export interface AgentRow {
  readonly id: AgentId;
  readonly lastHeartbeatAt: number;
  readonly lastPullAt: number;
  readonly silentOffers: number;
}

interface PlanFileRow {
  readonly attemptId: AttemptId;
  readonly bundle: Buffer;
  readonly bundleChecksum: string;
  readonly planChecksum: string;
}

/** Who speaks, settled by the credential. */
export interface Caller {
  readonly taskId: TaskId;
  readonly attemptId: AttemptId;
}

/** Everything that the database holds; values never change in place, so that a copy of the maps is a copy of all. */
export interface Tables {
  /** The life cycle's own view: workspace, tasks, attempts. */
  fences: Map<WorkspaceId, Fence>;
  /** The sensitive values of each workspace. */
  secrets: Map<WorkspaceId, readonly string[]>;
  tasks: Map<TaskId, { readonly workspaceId: WorkspaceId; readonly arrival: number; readonly mood: string }>;
  /** By the hash of an attempt's secret. */
  credentials: Map<string, { readonly taskId: TaskId; readonly attemptId: AttemptId }>;
  states: Map<StateVersionId, Buffer>;
  streams: Map<string, Stream>;
  planFiles: Map<AttemptId, PlanFileRow>;
  agents: Map<AgentId, AgentRow>;
  /** Addresses that exit records name as made and not recorded. */
  unrecorded: Map<AttemptId, readonly string[]>;
  aliveAt: number;
}

export const streamKey = (attemptId: AttemptId, phase: Phase): string => `${attemptId}/${phase}`;

export const emptyTables = (): Tables => ({
  fences: new Map(),
  secrets: new Map(),
  tasks: new Map(),
  credentials: new Map(),
  states: new Map(),
  streams: new Map(),
  planFiles: new Map(),
  agents: new Map(),
  unrecorded: new Map(),
  aliveAt: 0,
});

export const copyTables = (tables: Tables): Tables => ({
  ...tables,
  fences: new Map(tables.fences),
  secrets: new Map(tables.secrets),
  tasks: new Map(tables.tasks),
  credentials: new Map(tables.credentials),
  states: new Map(tables.states),
  streams: new Map(tables.streams),
  planFiles: new Map(tables.planFiles),
  agents: new Map(tables.agents),
  unrecorded: new Map(tables.unrecorded),
});
