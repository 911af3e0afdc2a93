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
  const wakeups = createWakeups(deps.signal);
  const stop = deps.subscribeTask(query.task_id, wakeups.wake);
  const told = createTaskTeller(query.task_id, deps);
  const shown = new Set<string>();
  try {
    while (!deps.signal.aborted) {
      const task = await told.tell();
      if (task === undefined) return;
      const next = pickStream(await deps.listStreams(query.task_id), query, shown);
      if (next !== undefined) {
        const offset = shown.size === 0 ? query.offset : 0;
        shown.add(nameOf(next));
        if (!(await serveStream(next, offset, query.format, deps, wakeups, told))) return;
      } else if (isTerminal(task.status) || (query.phase !== undefined && shown.size > 0)) {
        await deps.send({ type: 'end', task_id: query.task_id, status: task.status });
        return;
      } else await wakeups.next(BACKSTOP_MS);
    }
  } finally {
    stop();
  }
}

/** Follows one stream to its end; false when the viewer is gone. */
async function serveStream(
  stream: StoredStream,
  offset: number,
  format: 'lines' | 'bytes',
  deps: ViewerDeps,
  wakeups: Wakeups,
  told: TaskTeller,
): Promise<boolean> {
  const { tail, release } = deps.acquireTail(stream);
  const present = createPresenter(stream, offset, format);
  let cursor = offset;
  try {
    if (!(await deps.send({ type: 'stream', stream: present.stream, offset }))) return false;
    for (;;) {
      if (deps.signal.aborted) return false;
      const segments = await tail.at(cursor);
      if (segments.length > 0) {
        for (const frame of present.frames(segments)) if (!(await deps.send(frame))) return false;
        cursor = present.cursor();
        continue;
      }
      if ((await told.tell()) === undefined) return false;
      const now = await deps.findStream(stream);
      if (now === undefined || (now.complete && cursor >= now.length)) {
        for (const frame of present.flush()) if (!(await deps.send(frame))) return false;
        return deps.send({
          type: 'stream_end',
          stream: present.stream,
          length: cursor,
          checksum: now?.checksum ?? null,
          complete: now?.incompleteReason === null,
        });
      }
      await Promise.race([tail.changed(cursor, BACKSTOP_MS, deps.signal), wakeups.next(BACKSTOP_MS)]);
    }
  } finally {
    release();
  }
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

/** Sends a `task` frame whenever what people see of the task has changed. */
function createTaskTeller(taskId: TaskId, deps: ViewerDeps) {
  let last = '';
  return {
    async tell(): Promise<TaskView | undefined> {
      const task = await deps.readTask(taskId);
      if (task === undefined) return undefined;
      const now = JSON.stringify(task);
      if (now !== last) {
        last = now;
        if (!(await deps.send({ type: 'task', task_id: taskId, ...task }))) return undefined;
      }
      return task;
    },
  };
}
type TaskTeller = ReturnType<typeof createTaskTeller>;

/** A latch: `next` resolves at once if a wake-up came since the last `next`, else with the next one or after `maxMs`. */
function createWakeups(signal: AbortSignal) {
  let pending = false;
  let release: (() => void) | undefined;
  const wake = () => {
    pending = true;
    release?.();
  };
  signal.addEventListener('abort', wake, { once: true });
  return {
    wake,
    async next(maxMs: number): Promise<void> {
      if (!pending && !signal.aborted)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, maxMs);
          release = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      release = undefined;
      pending = false;
    },
  };
}
type Wakeups = ReturnType<typeof createWakeups>;
