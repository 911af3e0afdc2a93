import { type Client, followLog } from '@groundcrew/client';
import type { Phase, Task, TaskId, ViewerFrame } from '@groundcrew/protocol';
import type { Cli } from '../cli.ts';
import { awaitRoom } from '../terminal/io.ts';
import { createStatusLine, type StatusLine } from '../terminal/status-line.ts';
import { createStyle, wantsColours } from '../terminal/style.ts';
import { listenForInterrupts } from './interrupts.ts';
import { createLogView } from './log-view.ts';
import { formatProgress, type TaskFrame } from './progress-line.ts';
import { decideApproval, type FollowTalk, handleInterrupt } from './questions.ts';

export interface FollowTaskOptions {
  taskId: TaskId;
  /** Ask whether to apply when the plan is there; otherwise the task just goes on waiting. */
  askApproval: boolean;
  /** What Ctrl-C does: asks whether to detach or cancel, or leaves the task running and says nothing. */
  onInterrupt?: 'ask' | 'leave';
  /** Ends the following with its reason. */
  signal?: AbortSignal;
  phase?: Phase | undefined;
  attempt?: number | undefined;
  /** Byte of the first stream to begin with. */
  offset?: number | undefined;
}

/** How following ended: with the task's end, or because the user left it running. */
export type Followed = { task: Task } | 'detached';

/** Shows a task's log live with a progress line below it, until the task has ended or the user leaves. */
export async function followTask(cli: Cli, client: Client, options: FollowTaskOptions): Promise<Followed> {
  const out = cli.json ? cli.io.stderr : cli.io.stdout;
  const status = createStatusLine(cli.io, out);
  const leaving = new AbortController();
  const interrupts = listenForInterrupts(cli.io);
  const talk: FollowTalk = {
    cli,
    client,
    status,
    style: createStyle(wantsColours(cli.io, cli.io.stderr)),
    taskId: options.taskId,
    cancels: 0,
  };
  const view = createLogView(status, talk.style, wantsColours(cli.io, out));
  const told = createTeller(cli, status);
  const frames = followLog(client, {
    ...whatToFollow(options),
    signal: anyOf(leaving.signal, options.signal),
    onBreak: told.onBreak,
  });
  let isAsked = false;
  status.set(told.line);

  /** True when the user has left. */
  async function take(frame: ViewerFrame): Promise<boolean> {
    told.onFrame(frame);
    view.show(frame);
    if (!options.askApproval || isAsked || !view.planShown || told.task()?.status !== 'awaiting_approval') return false;
    isAsked = true;
    return (await decideApproval(talk)) === 'detach';
  }

  try {
    let next = frames.next();
    let interrupted = interrupts.next();
    for (;;) {
      const event = await Promise.race([next, interrupted]);
      if (event === 'interrupted') {
        if (options.onInterrupt === 'leave' || (await handleInterrupt(talk)) === 'detach') return 'detached';
        interrupted = interrupts.next();
      } else if (event.done) return { task: await client.call('getTask', { params: { task_id: options.taskId } }) };
      else {
        if (await take(event.value)) return 'detached';
        await awaitRoom(out);
        next = frames.next();
      }
    }
  } finally {
    leaving.abort(new Error('no longer followed'));
    interrupts.close();
    status.close();
  }
}

const anyOf = (ours: AbortSignal, theirs: AbortSignal | undefined): AbortSignal =>
  theirs === undefined ? ours : AbortSignal.any([ours, theirs]);

const whatToFollow = ({ taskId, phase, attempt, offset }: FollowTaskOptions) => ({ taskId, phase, attempt, offset });

/** Keeps what the status line says, and tells it in lines where there is none. */
function createTeller(cli: Cli, status: StatusLine) {
  let task: TaskFrame | undefined;
  let since = cli.clock.now();
  let isBroken = false;
  let lastWaiting: string | null = null;

  function onTask(frame: TaskFrame): void {
    if (frame.stage !== task?.stage || frame.status !== task.status) since = cli.clock.now();
    task = frame;
    if (frame.waiting !== null && frame.waiting !== lastWaiting && !cli.io.stderr.isTTY)
      status.say(`Waiting: ${frame.waiting}`);
    lastWaiting = frame.waiting;
  }

  return {
    task: () => task,
    line: () => formatProgress(task, cli.clock.now() - since),
    onFrame(frame: ViewerFrame) {
      if (isBroken) status.say('Connected again.');
      isBroken = false;
      if (frame.type === 'task') onTask(frame);
    },
    onBreak(reason: string) {
      if (!isBroken)
        status.say(`The connection is gone (${reason}). The task goes on; trying to reach the server again …`);
      isBroken = true;
    },
  };
}
