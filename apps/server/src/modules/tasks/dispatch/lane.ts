import type { Instant } from '../lifecycle/index.ts';
import type { WaitingTask, WorkspaceView } from './snapshot.ts';

/** What one point of priority is worth in waiting. Everything is counted in time, so that whoever waits long enough comes first. */
export const POINT_MS = 60_000;
/** What a slot that a workspace has in use already puts it back. */
export const SLOT_MS = 30_000;

/** The tasks of one workspace in the order in which they are served, and whose turn it is. */
export interface Lane {
  /** Next comes `tasks[next]`. */
  readonly tasks: readonly WaitingTask[];
  readonly priorities: readonly number[];
  next: number;
  inUse: number;
  servedAt: Instant;
  /** When its turn is: the earliest goes first. */
  turn: Instant;
}

/** @param tasks of the workspace, at least one; order of no matter */
export function createLane(tasks: WaitingTask[], workspace: WorkspaceView | undefined): Lane {
  const priorities = inheritPriorities(tasks);
  const order = tasks.length === 1 ? ONE : rankAll(tasks, priorities);
  const lane: Lane = {
    tasks: order.map((n) => tasks[n] as WaitingTask),
    priorities: order.map((n) => priorities[n] as number),
    next: 0,
    inUse: workspace?.running ?? 0,
    servedAt: workspace?.servedAt ?? Number.NEGATIVE_INFINITY,
    turn: 0,
  };
  lane.turn = turnOf(lane);
  return lane;
}

const ONE = [0];

/** Places by rank: arrival, put forward or back by priority. */
function rankAll(tasks: readonly WaitingTask[], priorities: readonly number[]): number[] {
  const ranks = tasks.map(({ queuedAt }, n) => queuedAt - (priorities[n] as number) * POINT_MS);
  const arrivals = tasks.map(({ arrival }) => arrival);
  return tasks
    .map((_, n) => n)
    .sort((a, b) => (ranks[a] as number) - (ranks[b] as number) || (arrivals[a] as number) - (arrivals[b] as number));
}

/**
 * Tasks that may apply take turns by arrival, whatever their priorities. So whoever stands before an urgent one is as urgent:
 * else the urgent one would wait behind everything that the other one waits behind.
 */
function inheritPriorities(tasks: readonly WaitingTask[]): number[] {
  const own = tasks.map(({ priority }) => priority);
  if (tasks.length === 1) return own;
  const inOrder = tasks
    .map((task, n) => ({ n, task }))
    .filter(({ task }) => task.mayApply)
    .sort((a, b) => b.task.arrival - a.task.arrival);
  let highest = Number.NEGATIVE_INFINITY;
  for (const { n } of inOrder) {
    highest = Math.max(highest, own[n] as number);
    own[n] = highest;
  }
  return own;
}

/**
 * Since when the workspace has waited in vain (its next task was asked for, or it was last served), put forward by the task's
 * priority and put back by what the workspace has in use. It stands still while the workspace is not served, and whoever comes
 * later has a later one but for the priority: nobody waits for ever.
 */
export function turnOf({ tasks, priorities, next, inUse, servedAt }: Lane): Instant {
  const task = tasks[next];
  if (task === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(servedAt, task.queuedAt) - (priorities[next] as number) * POINT_MS + inUse * SLOT_MS;
}

/** The lane without the task that was next; `served` when that was given an agent. */
export function advance(lane: Lane, served: boolean, now: Instant): void {
  lane.next += 1;
  if (served) {
    lane.inUse += 1;
    lane.servedAt = Math.max(lane.servedAt, now);
  }
  lane.turn = turnOf(lane);
}

/** Two lanes may have the same turn; then the older task goes first, on every replica. */
export function isLaneBefore(a: Lane, b: Lane): boolean {
  if (a.turn !== b.turn) return a.turn < b.turn;
  return arrivalOf(a) < arrivalOf(b);
}

const arrivalOf = ({ tasks, next }: Lane): number => tasks[next]?.arrival ?? Number.POSITIVE_INFINITY;
