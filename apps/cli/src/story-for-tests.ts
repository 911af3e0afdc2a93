import type { Phase, Task, TaskStatus, ViewerFrame } from '@groundcrew/protocol';
import { type FakeControlPlane, type FakeHandlers, startFakeControlPlane } from './fake-control-plane-for-tests.ts';
import { aPlannedTask, aStream, aTask, aWorkspace } from './records-for-tests.ts';

export const PLAN_LOG = '\u001b[1mTerraform will perform\u001b[0m …\nPlan: 4 to add\n';
export const APPLY_LOG = 'terraform_data.a: Creating...\nApply complete!\n';

/** How one task goes. */
export interface Story {
  /** How it ends, unless somebody stops it. */
  end: TaskStatus;
  autoApprove?: boolean;
  /** Why it waits at first. */
  waiting?: string;
  /** Stays in the middle of the apply until it is cancelled. */
  stuck?: boolean;
}

type Send = (frame: ViewerFrame) => void;

/** A control plane on which one task goes its way, told to viewers as the server tells it. */
export function startStory(story: Story, handlers: FakeHandlers = {}): Promise<FakeControlPlane> {
  const told = createTold(story.autoApprove ?? false);
  return startFakeControlPlane({
    handlers: {
      getWorkspace: () => aWorkspace(),
      createTask: ({ body }) => told.move({ task_type: body.task_type, auto_approve: body.auto_approve ?? false }),
      getTask: told.task,
      approveTask: () => told.move({ status: 'running' }),
      discardTask: () =>
        told.move({ status: 'cancelled', reason: { code: 'discarded', message: 'The plan was discarded by admin.' } }),
      cancelTask: () =>
        told.move({ status: 'cancelled', reason: { code: 'cancelled', message: 'Cancelled by admin.' } }),
      ...handlers,
    },
    serveLog: async (send, { phase }) => {
      send(told.frame(story.waiting ?? null));
      servePlan(story, told, send);
      if (phase !== 'plan' && told.task().task_type === 'plan_and_apply') await serveApply(story, told, send);
      send({ type: 'end', task_id: told.task().id, status: told.task().status });
    },
  });
}

function servePlan(story: Story, told: Told, send: Send): void {
  told.move({ status: 'running', stage: 'planning' });
  for (const frame of streamFrames('plan', PLAN_LOG)) send(frame);
  const { plan, changes_add, changes_change, changes_destroy, changes_replace, changes_import, duration } =
    aPlannedTask();
  told.move({
    plan,
    changes_add,
    changes_change,
    changes_destroy,
    changes_replace,
    changes_import,
    duration,
    stage: null,
  });
  told.move({ status: told.task().task_type === 'plan' ? story.end : 'awaiting_approval' });
}

async function serveApply(story: Story, told: Told, send: Send): Promise<void> {
  if (!told.task().auto_approve) {
    send(told.frame());
    await told.until((task) => task.status !== 'awaiting_approval');
  }
  if (told.task().status === 'cancelled') return;
  told.move({ status: 'running', stage: 'applying', progress: { done: 1, total: 4, running: ['terraform_data.a'] } });
  send(told.frame());
  const [begin, ...rest] = streamFrames('apply', APPLY_LOG);
  if (begin) send(begin);
  if (story.stuck) await told.until((task) => task.status === 'cancelled');
  for (const frame of rest) send(frame);
  if (told.task().status === 'running') told.move({ status: story.end, progress: null });
}

/** The task as it stands, and a way to wait for it. */
function createTold(autoApprove: boolean) {
  let task: Task = aTask({ auto_approve: autoApprove });
  let wake = () => {};
  return {
    task: () => task,
    move(more: Partial<Task>): Task {
      task = { ...task, ...more };
      wake();
      return task;
    },
    frame: (waiting: string | null = null): ViewerFrame => {
      const { id, status, stage, progress } = task;
      return { type: 'task', task_id: id, status, stage, progress, waiting };
    },
    async until(condition: (task: Task) => boolean): Promise<void> {
      while (!condition(task)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
type Told = ReturnType<typeof createTold>;

function streamFrames(phase: Phase, text: string): ViewerFrame[] {
  const stream = aStream(phase);
  const length = Buffer.byteLength(text);
  const content_base64 = Buffer.from(text).toString('base64');
  return [
    { type: 'stream', stream, offset: 0 },
    { type: 'bytes', stream, offset: 0, next_offset: length, written_at: '2026-11-21T10:00:00.000Z', content_base64 },
    { type: 'stream_end', stream, length, checksum: null, complete: true },
  ];
}
