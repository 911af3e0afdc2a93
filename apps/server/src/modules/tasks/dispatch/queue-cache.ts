import type { WorkspaceId } from '@groundcrew/protocol';
import type { Executor } from '../../../platform/database/index.ts';
import type { Needs, WaitingTask } from './snapshot.ts';
import {
  type FrameRow,
  readFrame,
  readNewTasks,
  readNewWorkspaces,
  readTasks,
  readWorkspaces,
  type TaskRow,
  type WorkspaceRow,
} from './snapshot-store.ts';

/** The waiting tasks with their workspaces, and the frame they were read in. */
export interface Queue {
  readonly frame: FrameRow;
  readonly tasks: readonly WaitingTask[];
  readonly rows: ReadonlyMap<number, TaskRow>;
  readonly workspaces: ReadonlyMap<WorkspaceId, WorkspaceRow>;
}

/**
 * Remembers the rows of the queue between readings and asks only for those that have changed. What is remembered decides
 * nothing by itself: an assignment is decided under its lock, from what the database says then.
 */
export function createQueueCache() {
  let horizon: string | null = null;
  let tasks = new Map<number, TaskRow>();
  let workspaces = new Map<WorkspaceId, WorkspaceRow>();
  const intern = createIntern();

  /** Asked for together, carried out in this order: what the frame does not see is newer than its horizon. */
  async function read(db: Executor): Promise<Queue> {
    const [frame, newTasks, newWorkspaces] = await Promise.all([
      readFrame(db),
      readNewTasks(db, horizon),
      readNewWorkspaces(db, horizon),
    ]);
    for (const row of newTasks) tasks.set(row.seq, row);
    for (const row of newWorkspaces) workspaces.set(row.id, row);
    const present = await completeTasks(db, frame);
    await completeWorkspaces(db, present);
    forget(present);
    horizon = frame.horizon;
    return { frame, tasks: toTasks(present, frame), rows: tasks, workspaces };
  }

  /** Rows that are neither new nor known: none, unless a reading failed half-way. */
  async function completeTasks(db: Executor, { arrivals }: FrameRow): Promise<TaskRow[]> {
    const seqs = arrivals === null ? [] : arrivals.split(',').map(Number);
    const missing = seqs.filter((seq) => !tasks.has(seq));
    if (missing.length > 0) for (const row of await readTasks(db, missing)) tasks.set(row.seq, row);
    return seqs.map((seq) => tasks.get(seq)).filter((row) => row !== undefined);
  }

  async function completeWorkspaces(db: Executor, present: readonly TaskRow[]): Promise<void> {
    const missing = present.filter(({ workspace_id }) => !workspaces.has(workspace_id));
    if (missing.length === 0) return;
    const ids = [...new Set(missing.map(({ workspace_id }) => workspace_id))];
    for (const row of await readWorkspaces(db, ids)) workspaces.set(row.id, row);
  }

  /** What does not wait any more; seldom, since it costs as much as the queue is long. */
  function forget(present: readonly TaskRow[]): void {
    const few = 2 * present.length + 1_000;
    if (tasks.size > few) tasks = new Map(present.map((row) => [row.seq, row]));
    if (workspaces.size <= few) return;
    const needed = new Set(present.map(({ workspace_id }) => workspace_id));
    workspaces = new Map([...workspaces].filter(([id]) => needed.has(id)));
  }

  function toTasks(present: readonly TaskRow[], { with_secrets, undecided }: FrameRow): WaitingTask[] {
    const [secrets, quarantined] = [new Set(with_secrets), new Set(undecided)];
    const waiting: WaitingTask[] = [];
    for (const row of present) {
      const workspace = workspaces.get(row.workspace_id);
      if (workspace === undefined) continue;
      const autoApprove = row.auto_approve && !workspace.marked && !quarantined.has(workspace.id);
      waiting.push(toWaiting(row, autoApprove, intern(workspace, secrets.has(workspace.id))));
    }
    return waiting;
  }

  return {
    read,
    /** Reads everything anew next time: after a failure nobody knows what was missed. */
    reset(): void {
      horizon = null;
      tasks = new Map();
      workspaces = new Map();
    },
  };
}

const toWaiting = (row: TaskRow, autoApprove: boolean, needs: Needs): WaitingTask => ({
  id: row.id,
  organizationId: row.organization_id,
  workspaceId: row.workspace_id,
  poolId: row.pool_id,
  action: row.phase === 'apply' ? 'apply' : row.task_type === 'plan_and_apply' && autoApprove ? 'plan_apply' : 'plan',
  mayApply: row.task_type === 'plan_and_apply',
  arrival: row.seq,
  queuedAt: row.queued_at,
  priority: row.priority,
  needs,
  passedOver: row.passed_over,
});

/** Gives the same object for the same needs, and remembers what a workspace's row needs for as long as the row is kept. */
function createIntern(): (workspace: WorkspaceRow, secrets: boolean) => Needs {
  const known = new Map<string, Needs>();
  const ofRow = new WeakMap<WorkspaceRow, Needs>();
  return (workspace, secrets) => {
    const remembered = ofRow.get(workspace);
    if (remembered?.secrets === secrets) return remembered;
    const needs = toNeeds(workspace, secrets);
    const key = JSON.stringify(needs);
    const same = known.get(key) ?? needs;
    if (known.size > MOST_NEEDS) known.clear();
    known.set(key, same);
    ofRow.set(workspace, same);
    return same;
  };
}

/** So that needs which nobody has any more do not pile up. */
const MOST_NEEDS = 20_000;

const toNeeds = (row: WorkspaceRow, secrets: boolean): Needs => ({
  tool: row.tool,
  version: row.terraform_version,
  providers: row.providers ?? [],
  labels: row.labels,
  preferredLabels: row.preferred_labels,
  secrets,
});
