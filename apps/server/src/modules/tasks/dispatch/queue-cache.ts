import type { WorkspaceId } from '@groundcrew/protocol';
import type { Executor } from '../../../platform/database/index.ts';
import { createNeedsPool } from './needs-pool.ts';
import type { Needs, WaitingTask, WorkspaceView } from './snapshot.ts';
import {
  type FrameRow,
  type QueueNews,
  readFrame,
  readQueueNews,
  type TaskRow,
  type WorkspaceRow,
} from './snapshot-store.ts';

/** The waiting tasks with their workspaces, and the frame they were read in. */
export interface Queue {
  readonly frame: FrameRow;
  readonly tasks: readonly WaitingTask[];
  readonly workspaces: ReadonlyMap<WorkspaceId, WorkspaceView>;
  /** What was said of them so far, by arrival. */
  readonly said: ReadonlyMap<number, Pick<TaskRow, 'waiting'>>;
}

/** A task's row, and what was made of it while nothing it depends on has changed. */
interface KnownTask {
  readonly row: TaskRow;
  readonly waiting: TaskRow['waiting'];
  made?: { readonly task: WaitingTask; readonly autoApprove: boolean };
}

/** What was made of the last reading, and of what; nothing has to be made anew while that is the same. */
interface Made {
  readonly from: readonly (string | null)[];
  readonly tasks: readonly WaitingTask[];
}

/**
 * Remembers the queue between readings and asks only for what has changed. What is remembered decides nothing by itself: an
 * assignment is decided under its lock, from what the database says then.
 */
export function createQueueCache() {
  let horizon: string | null = null;
  let tasks = new Map<number, KnownTask>();
  let workspaces = new Map<WorkspaceId, WorkspaceRow>();
  let views = new Map<WorkspaceId, WorkspaceView>();
  let slots: FrameRow['slots'] = null;
  let made: Made | undefined;
  const findNeeds = createNeedsPool();

  async function read(db: Executor): Promise<Queue> {
    const [frame, news] = await Promise.all([readFrame(db), readQueueNews(db, horizon)]);
    take(news);
    const from = [news.arrivals, String(frame.with_secrets), String(frame.undecided)];
    if (made === undefined || from.some((part, n) => part !== made?.from[n])) {
      const arrivals = news.arrivals === null ? [] : news.arrivals.split(',').map(Number);
      // Every row is new or known, unless what was remembered is wrong.
      if (!arrivals.every(isKnown)) take(await readQueueNews(db, null));
      made = { from, tasks: toTasks(arrivals, frame) };
      forget(made.tasks);
    }
    countSlots(frame.slots);
    horizon = news.horizon;
    return { frame, tasks: made.tasks, workspaces: views, said: tasks };
  }

  function take(news: QueueNews): void {
    if (news.tasks !== null || news.workspaces !== null) made = undefined;
    for (const row of news.tasks ?? []) tasks.set(row.seq, { row, waiting: row.waiting });
    for (const row of news.workspaces ?? []) {
      workspaces.set(row.id, row);
      views.set(row.id, toView(row, countOf(slots, row.id)));
    }
  }

  function isKnown(seq: number): boolean {
    const known = tasks.get(seq);
    return known !== undefined && workspaces.has(known.row.workspace_id);
  }

  function toTasks(arrivals: readonly number[], { with_secrets, undecided }: FrameRow): WaitingTask[] {
    const [secrets, quarantined] = [new Set(with_secrets), new Set(undecided)];
    const waiting: WaitingTask[] = [];
    for (const seq of arrivals) {
      const known = tasks.get(seq);
      const workspace = known && workspaces.get(known.row.workspace_id);
      // Both may have gone between two statements.
      if (known === undefined || workspace === undefined) continue;
      const autoApprove = known.row.auto_approve && !workspace.marked && !quarantined.has(workspace.id);
      waiting.push(make(known, autoApprove, findNeeds(workspace, secrets.has(workspace.id), known.row.providers)));
    }
    return waiting;
  }

  /** Only where something runs now, or ran before, can the number be another one. */
  function countSlots(now: FrameRow['slots']): void {
    for (const frame of [slots, now]) for (const id in frame) recount(id as WorkspaceId, countOf(now, id));
    slots = now;
  }

  function recount(id: WorkspaceId, running: number): void {
    const row = workspaces.get(id);
    if (row !== undefined && views.get(id)?.running !== running) views.set(id, toView(row, running));
  }

  /** What does not wait any more; seldom, since it costs as much as the queue is long. */
  function forget(waiting: readonly WaitingTask[]): void {
    const few = 2 * waiting.length + 1_000;
    if (tasks.size <= few && workspaces.size <= few) return;
    const arrivals = new Set(waiting.map(({ arrival }) => arrival));
    const needed = new Set(waiting.map(({ workspaceId }) => workspaceId));
    tasks = new Map([...tasks].filter(([seq]) => arrivals.has(seq)));
    workspaces = new Map([...workspaces].filter(([id]) => needed.has(id)));
    views = new Map([...views].filter(([id]) => needed.has(id)));
  }

  return {
    read,
    /** Reads everything anew next time: after a failure nobody knows what was missed. */
    reset(): void {
      horizon = null;
      made = undefined;
      slots = null;
      [tasks, workspaces, views] = [new Map(), new Map(), new Map()];
    },
  };
}

const countOf = (slots: FrameRow['slots'], id: string): number => {
  const [plans, applies] = slots?.[id] ?? [0, 0];
  return plans + applies;
};

function make(known: KnownTask, autoApprove: boolean, needs: Needs): WaitingTask {
  const { made } = known;
  if (made !== undefined && made.autoApprove === autoApprove && made.task.needs === needs) return made.task;
  const task = toWaiting(known.row, autoApprove, needs);
  known.made = { task, autoApprove };
  return task;
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

const toView = (row: WorkspaceRow, running: number): WorkspaceView => ({
  id: row.id,
  hold: row.hold_task_id,
  lock: row.locked ? { by: row.locked_by ?? 'the server', reason: row.lock_reason ?? '' } : null,
  servedAt: row.served_at,
  running,
  maxTasks: row.max_concurrent_tasks,
});
