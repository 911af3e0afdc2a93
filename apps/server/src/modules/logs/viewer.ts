import { createLatch } from '@groundcrew/kit';
import type { TaskId, ViewerFrame } from '@groundcrew/protocol';
import type { StoredStream } from './log-stream.ts';
import { nameOf, pickStream, type StreamQuery } from './pick-stream.ts';
import { createBytesPresenter, createLinesPresenter, presentStream } from './present-frames.ts';
import type { Tail } from './tail.ts';
import { createTaskTeller, type TaskView } from './task-teller.ts';

export interface ViewerDeps {
  listStreams: (taskId: TaskId) => Promise<StoredStream[]>;
  acquireTail: (stream: StoredStream) => { tail: Tail; release: () => void };
  readTask: (taskId: TaskId) => Promise<TaskView | undefined>;
  /** Calls back when the task or its set of streams may have changed. */
  subscribeTask: (taskId: TaskId, wake: () => void) => () => void;
  /** Resolves once the peer can take more; false when it is gone. */
  send: (frame: ViewerFrame) => Promise<boolean>;
  signal: AbortSignal;
}

export interface ViewerQuery extends StreamQuery {
  task_id: TaskId;
  offset: number;
  format: 'lines' | 'bytes';
}

/** Backstop for a wake-up about the task that was lost between replicas; streams have their own. */
const BACKSTOP_MS = 5_000;

/**
 * Serves one viewer: catches up from the store at its cursor, then follows, stream after stream, until the task has ended and
 * everything was shown. Reads only from the store, so nothing is missed or shown twice however the wake-ups come.
 *
 * An attempt that plans and applies in one go names the end of its plan's log only when it is over. So the next stream is
 * opened as soon as the one before has nothing more to show, and that one stays open for what may yet come.
 */
export async function serveViewer(query: ViewerQuery, deps: ViewerDeps): Promise<void> {
  const latch = createLatch();
  const task = createTaskTeller(query.task_id, deps);
  const queue = createStreamQueue(query, deps.listStreams);
  const open = new Set<Showing>();
  function changed(): void {
    task.changed();
    queue.changed();
    latch.wake();
  }
  const stop = deps.subscribeTask(query.task_id, changed);
  async function openNext(): Promise<'opened' | 'waiting' | 'over'> {
    const next = await queue.next();
    if (next === undefined) return open.size === 0 && (task.isOver() || queue.isExhausted()) ? 'over' : 'waiting';
    open.add(await show(next, queue.offsetOf(next), query.format, deps, latch.wake));
    return 'opened';
  }

  try {
    while (!deps.signal.aborted && (await task.tell())) {
      const progress = await advanceAll(open);
      if (progress === 'gone') return;
      if (progress === 'more') continue;
      const step = await openNext();
      if (step === 'over')
        return void (await deps.send({ type: 'end', task_id: query.task_id, status: task.status() }));
      if (step === 'waiting' && !(await latch.next(BACKSTOP_MS, deps.signal))) changed();
    }
  } finally {
    stop();
    for (const showing of open) showing.close();
  }
}

/** The streams still to be opened, in their order; asks the store only after a word that there may be another one. */
function createStreamQueue(query: ViewerQuery, listStreams: ViewerDeps['listStreams']) {
  const shown = new Set<string>();
  let streams: StoredStream[] = [];
  let isStale = true;
  return {
    changed: (): void => {
      isStale = true;
    },
    async next(): Promise<StoredStream | undefined> {
      if (isStale) {
        isStale = false;
        streams = await listStreams(query.task_id);
      }
      return pickStream(streams, query, shown);
    },
    /** Where to begin with a stream, which from then on counts as shown. */
    offsetOf(stream: StoredStream): number {
      const offset = shown.size === 0 ? query.offset : 0;
      shown.add(nameOf(stream));
      return offset;
    },
    /** Who asked for one phase has seen it. */
    isExhausted: (): boolean => query.phase !== undefined && shown.size > 0,
  };
}

type Progress = 'more' | 'waiting' | 'gone';

/** A batch of every open stream; those that have ended are closed. */
async function advanceAll(open: Set<Showing>): Promise<Progress> {
  let progress: Progress = 'waiting';
  for (const showing of open) {
    const made = await showing.advance();
    if (made === 'gone') return 'gone';
    if (made === 'more') progress = 'more';
    if (made === 'ended') {
      open.delete(showing);
      showing.close();
    }
  }
  return progress;
}

interface Showing {
  /** Shows the next batch, or the end; `waiting` when there is nothing to show now. */
  advance(): Promise<Progress | 'ended'>;
  close(): void;
}

async function show(
  stored: StoredStream,
  offset: number,
  format: ViewerQuery['format'],
  { acquireTail, send }: ViewerDeps,
  wake: () => void,
): Promise<Showing> {
  const stream = presentStream(stored);
  const presenter = format === 'bytes' ? createBytesPresenter(stream) : createLinesPresenter(stream, offset);
  const { tail, release } = acquireTail(stored);
  const unsubscribe = tail.subscribe(wake);
  let cursor = offset;

  async function sendAll(frames: readonly ViewerFrame[]): Promise<boolean> {
    for (const frame of frames) if (!(await send(frame))) return false;
    return true;
  }

  async function end({ length, checksum, incompleteReason }: StoredStream): Promise<'ended' | 'gone'> {
    const last: ViewerFrame = { type: 'stream_end', stream, length, checksum, complete: incompleteReason === null };
    return (await sendAll([...presenter.flush(), last])) ? 'ended' : 'gone';
  }

  await send({ type: 'stream', stream, offset });
  return {
    async advance() {
      const segments = await tail.at(cursor);
      for (const segment of segments) {
        if (!(await sendAll(presenter.present(segment)))) return 'gone';
        cursor = segment.offset + segment.length;
      }
      if (segments.length > 0) return 'more';
      const ended = tail.ended(cursor);
      return ended === undefined ? 'waiting' : end(ended);
    },
    close() {
      unsubscribe();
      release();
    },
  };
}
