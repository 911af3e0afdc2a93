import type { AgentId, TaskId, WorkspaceId } from '@groundcrew/protocol';
import {
  type Actor,
  type Figures,
  newTask,
  newWorkspace,
  START_FIGURES,
  type Task,
} from '@groundcrew/server/lifecycle';
import type { World } from '@groundcrew/server/lifecycle/world';
import type { Bounds } from './bounds.ts';
import type { Folder } from './folder.ts';

/** Everything there is at one moment: the server's side as its database holds it, and the far sides. Immutable. */
export interface System {
  readonly world: World;
  readonly folders: readonly Folder[];
  readonly revoked: readonly AgentId[];
  /** Disturbances that may still come. */
  readonly left: number;
  /** A copy of the database, until it is restored. */
  readonly backup: World | null;
  readonly restored: boolean;
}

/**
 * The one moment of the model. A deadline after it is armed, one at it has passed; which armed one passes next is anybody's
 * guess. So what is shown holds for every order of deadlines and every clock, however wrong.
 */
export const NOW = 1_000_000;

export const AGENTS: readonly AgentId[] = ['agent-1' as AgentId, 'agent-2' as AgentId];
export const ANN: Actor = { kind: 'person', id: 'user-ann', name: 'Ann' };
export const BOB: Actor = { kind: 'person', id: 'user-bob', name: 'Bob' };
export const SYSTEM: Actor = { kind: 'system' };

const HOUR = 3_600_000;

export const figuresOf = ({ maxReturns, maxLosses }: Bounds): Figures => ({ ...START_FIGURES, maxReturns, maxLosses });

export const orderedTask = ({ tasks }: Bounds, index: number): Task => {
  const { type = 'plan', autoApprove = false } = tasks[index] ?? {};
  return newTask(`task-${index + 1}` as TaskId, type, autoApprove);
};

/** Nothing has happened yet; the tasks are ordered. */
export function initialSystem(bounds: Bounds): System {
  const ordered = bounds.tasks.length - (bounds.lateTask ? 1 : 0);
  return {
    world: {
      workspace: newWorkspace('ws-1' as WorkspaceId, { planTimeoutMs: HOUR, applyTimeoutMs: 6 * HOUR }),
      tasks: bounds.tasks.slice(0, ordered).map((_, index) => orderedTask(bounds, index)),
      attempts: [],
    },
    folders: [],
    revoked: [],
    left: bounds.disturbances,
    backup: null,
    restored: false,
  };
}
