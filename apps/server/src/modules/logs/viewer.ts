import { createLatch, type Latch } from '@groundcrew/kit';
import {
  isTerminal,
  type LogStream,
  type Phase,
  type TaskId,
  type TaskStatusAnswer,
  type ViewerFrame,
} from '@groundcrew/protocol';
import {
  createLineSplitter,
  levelOf,
  type PlacedLine,
  type Segment,
  type StoredStream,
  stripEscapes,
} from './log-stream.ts';
import type { Tail } from './tail.ts';

/** What a viewer is told about the task besides its log. */
export interface TaskView extends Pick<TaskStatusAnswer, 'status' | 'stage' | 'progress'> {
  waiting: string | null;
}

export interface ViewerDeps {
  listStreams: (taskId: TaskId) => Promise<StoredStream[]>;
  findStream: (stream: StoredStream) => Promise<StoredStream | undefined>;
  acquireTail: (stream: StoredStream) => { tail: Tail; release: () => void };
  readTask: (taskId: TaskId) => Promise<TaskView | undefined>;
  /** Calls back when the task or its set of streams may have changed. */
  subscribeTask: (taskId: TaskId, wake: () => void) => () => void;
  /** Resolves once the peer can take more; false when it is gone. */
  send: (frame: ViewerFrame) => Promise<boolean>;
  signal: AbortSignal;
}

export interface ViewerQuery {
  task_id: TaskId;
  phase?: Phase | undefined;
  attempt?: number | undefined;
  offset: number;
  format: 'lines' | 'bytes';
}

/** Backstop for a wake-up that was lost between replicas. */
const BACKSTOP_MS = 2_000;

/**
 * Serves one viewer: catches up from the store at its cursor, then follows, stream after stream, until the task has ended and
 * everything was shown. Reads only from the store, so nothing is missed or shown twice however the wake-ups come.
 */
export async function serveViewer(query: ViewerQuery, deps: ViewerDeps): Promise<void> {
  const latch = createLatch();
  const task = createTaskTeller(query.task_id, deps);
  const stop = deps.subscribeTask(query.task_id, () => {
    task.changed();
    latch.wake();
  });
  try {
    if (await serveStreams(query, deps, latch, task))
      await deps.send({ type: 'end', task_id: query.task_id, status: task.status() });
  } finally {
    stop();
  }
}

/** Serves stream after stream; true when there will be no other, false when the viewer is gone. */
async function serveStreams(query: ViewerQuery, deps: ViewerDeps, latch: Latch, task: TaskTeller): Promise<boolean> {
  const shown = new Set<string>();
  while (!deps.signal.aborted && (await task.tell())) {
    const next = pickStream(await deps.listStreams(query.task_id), query, shown);
    if (next !== undefined) {
      const offset = shown.size === 0 ? query.offset : 0;
      shown.add(nameOf(next));
      if (!(await serveStream({ stream: next, offset, format: query.format }, deps, latch, task))) return false;
    } else if (task.isOver() || isAllAsked(query, shown)) return true;
    else if (!(await latch.next(BACKSTOP_MS, deps.signal))) task.changed();
  }
  return false;
}

interface Serving {
  stream: StoredStream;
  offset: number;
  format: 'lines' | 'bytes';
}

/** Who asked for one phase has seen it. */
const isAllAsked = ({ phase }: ViewerQuery, shown: ReadonlySet<string>): boolean =>
  phase !== undefined && shown.size > 0;

/** Follows one stream to its end; false when the viewer is gone. */
async function serveStream(
  { stream, offset, format }: Serving,
  deps: ViewerDeps,
  latch: Latch,
  task: TaskTeller,
): Promise<boolean> {
  const { tail, release } = deps.acquireTail(stream);
  const unsubscribe = tail.subscribe(latch.wake);
  const present = createPresenter(stream, offset, format);
  const sendAll = async (frames: ViewerFrame[]) => {
    for (const frame of frames) if (!(await deps.send(frame))) return false;
    return true;
  };
  try {
    let going = await deps.send({ type: 'stream', stream: present.stream, offset });
    while (going && !deps.signal.aborted) {
      const segments = await tail.at(present.cursor());
      if (segments.length > 0) {
        going = await sendAll(present.frames(segments));
        continue;
      }
      const end = await findEnd(stream, present.cursor(), deps);
      if (end !== undefined)
        return (await sendAll(present.flush())) && deps.send({ type: 'stream_end', stream: present.stream, ...end });
      going = await task.tell();
      if (going && !(await latch.next(BACKSTOP_MS, deps.signal))) await tail.refresh();
    }
    return false;
  } finally {
    unsubscribe();
    release();
  }
}

/** What is to be said at the end of a stream, once the cursor has come to it. */
async function findEnd(stream: StoredStream, cursor: number, deps: ViewerDeps) {
  const now = await deps.findStream(stream);
  if (now !== undefined && !(now.complete && cursor >= now.length)) return undefined;
  return { length: cursor, checksum: now?.checksum ?? null, complete: now?.incompleteReason === null };
}

/** The stream to show next: the one asked for, else the newest attempt's plan and then whatever comes after what was shown. */
export function pickStream(
  streams: readonly StoredStream[],
  query: ViewerQuery,
  shown: ReadonlySet<string>,
): StoredStream | undefined {
  const wanted = streams.filter(
    (s) => (query.phase ?? s.phase) === s.phase && (query.attempt ?? s.attempt) === s.attempt,
  );
  if (shown.size > 0) {
    if (query.phase !== undefined) return undefined;
    const last = wanted.findLastIndex((s) => shown.has(nameOf(s)));
    return wanted[last + 1];
  }
  if (query.phase !== undefined) return wanted.at(-1);
  return wanted.findLast((s) => s.phase === 'plan') ?? wanted[0];
}

const nameOf = (stream: StoredStream): string => `${stream.attemptId}/${stream.phase}`;

/** Turns stored segments into frames, keeping the cursor. */
function createPresenter(stored: StoredStream, start: number, format: 'lines' | 'bytes') {
  const stream: LogStream = {
    task_id: stored.taskId,
    phase: stored.phase,
    attempt_id: stored.attemptId,
    attempt: stored.attempt,
  };
  const splitter = createLineSplitter(start);
  let cursor = start;
  let at = start;
  let lastWrittenAt = new Date(0);

  const asBytes = (segment: Segment): ViewerFrame => ({
    type: 'bytes',
    stream,
    offset: segment.offset,
    next_offset: segment.offset + segment.length,
    written_at: segment.writtenAt.toISOString(),
    content_base64: segment.content.toString('base64'),
  });
  const asLines = (lines: PlacedLine[], writtenAt: Date): ViewerFrame[] => {
    if (lines.length === 0) return [];
    const frame: ViewerFrame = {
      type: 'lines',
      stream,
      offset: at,
      next_offset: splitter.resumeOffset(),
      lines: lines.map(({ text, offset }) => ({
        task_id: stored.taskId,
        timestamp: writtenAt.toISOString(),
        level: levelOf(text),
        line: stripEscapes(text),
        offset,
      })),
    };
    at = splitter.resumeOffset();
    return [frame];
  };

  return {
    stream,
    cursor: () => cursor,
    frames(segments: readonly Segment[]): ViewerFrame[] {
      return segments.flatMap((segment) => {
        cursor = segment.offset + segment.length;
        lastWrittenAt = segment.writtenAt;
        return format === 'bytes' ? [asBytes(segment)] : asLines(splitter.push(segment.content), segment.writtenAt);
      });
    },
    flush: (): ViewerFrame[] => (format === 'bytes' ? [] : asLines(splitter.flush(), lastWrittenAt)),
  };
}

/** Sends a `task` frame whenever what people see of the task has changed; asks the store only after a word that it may have. */
function createTaskTeller(taskId: TaskId, deps: ViewerDeps) {
  let dirty = true;
  let last = '';
  let seen: TaskView | undefined;
  return {
    changed: (): void => {
      dirty = true;
    },
    status: (): TaskView['status'] => seen?.status ?? 'pending',
    isOver: (): boolean => seen !== undefined && isTerminal(seen.status),
    /** False when the task or the viewer is gone. */
    async tell(): Promise<boolean> {
      if (!dirty) return true;
      dirty = false;
      seen = await deps.readTask(taskId);
      if (seen === undefined) return false;
      const now = JSON.stringify(seen);
      if (now === last) return true;
      last = now;
      return deps.send({ type: 'task', task_id: taskId, ...seen });
    },
  };
}
type TaskTeller = ReturnType<typeof createTaskTeller>;
