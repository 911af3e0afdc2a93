import type { Instant } from '../lifecycle/index.ts';
import type { WaitingTask, WorkspaceView } from './snapshot.ts';

/** What one point of priority is worth in waiting. Everything is counted in time, so that whoever waits long enough comes first. @internal */
export const POINT_MS = 60_000;
/** What a slot that a workspace has in use already puts it back. @internal */
export const SLOT_MS = 30_000;

/** The tasks of one workspace in the order in which they are served, and whose turn it is. */
export interface Lane {
  readonly workspace: WorkspaceView | undefined;
  /** The one that is next. */
  task: WaitingTask;
  /** When its turn is: the earliest goes first. */
  turn: Instant;
  inUse: number;
  servedAt: Instant;
  /** Those behind the next one, the last of them first, with the priorities they have inherited. */
  readonly rest: Ranked[];
}

interface Ranked {
  readonly task: WaitingTask;
  readonly priority: number;
}

/** A lane of one task, which most are. */
export function createLane(task: WaitingTask, workspace: WorkspaceView | undefined): Lane {
  const inUse = workspace?.running ?? 0;
  const servedAt = workspace?.servedAt ?? Number.NEGATIVE_INFINITY;
  return { workspace, task, inUse, servedAt, turn: turnOf(task, task.priority, servedAt, inUse), rest: NONE };
}

const NONE: Ranked[] = [];

/** @param tasks of one workspace, at least one; order of no matter */
export function createLongLane(tasks: readonly WaitingTask[], workspace: WorkspaceView | undefined): Lane {
  const ranked = inheritPriorities(tasks).sort((a, b) => rankOf(b) - rankOf(a) || b.task.arrival - a.task.arrival);
  const [first] = ranked.splice(-1) as [Ranked];
  const lane = createLane(first.task, workspace);
  return { ...lane, turn: turnOf(first.task, first.priority, lane.servedAt, lane.inUse), rest: ranked };
}

/** Arrival, put forward or back by priority. */
const rankOf = ({ task, priority }: Ranked): Instant => task.queuedAt - priority * POINT_MS;

/**
 * Tasks that may apply take turns by arrival, whatever their priorities. So whoever stands before an urgent one is as urgent:
 * else the urgent one would wait behind everything that the other one waits behind.
 */
function inheritPriorities(tasks: readonly WaitingTask[]): Ranked[] {
  let highest = Number.NEGATIVE_INFINITY;
  return tasks
    .toSorted((a, b) => b.arrival - a.arrival)
    .map((task) => {
      if (!task.mayApply) return { task, priority: task.priority };
      highest = Math.max(highest, task.priority);
      return { task, priority: highest };
    });
}

/**
 * Since when the workspace has waited in vain (its next task was asked for, or it was last served), put forward by the task's
 * priority and put back by what the workspace has in use. It stands still while the workspace is not served, and whoever comes
 * later has a later one but for the priority: nobody waits for ever.
 */
const turnOf = (task: WaitingTask, priority: number, servedAt: Instant, inUse: number): Instant =>
  Math.max(servedAt, task.queuedAt) - priority * POINT_MS + inUse * SLOT_MS;

/** The lane without the task that was next; false when that was the last. `served` when it was given an agent. */
export function advance(lane: Lane, served: boolean, now: Instant): boolean {
  const next = lane.rest.pop();
  if (next === undefined) return false;
  if (served) {
    lane.inUse += 1;
    lane.servedAt = Math.max(lane.servedAt, now);
  }
  lane.task = next.task;
  lane.turn = turnOf(next.task, next.priority, lane.servedAt, lane.inUse);
  return true;
}

/** Negative when `a` goes first. Two lanes may have the same turn; then the older task goes first, on every replica. */
export const compareLanes = (a: Lane, b: Lane): number => a.turn - b.turn || a.task.arrival - b.task.arrival;
