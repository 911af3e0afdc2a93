import {
  type AttemptId,
  isTerminal,
  type LogStream,
  type LogStreamInfo,
  type Phase,
  type ViewerFrame,
} from '@groundcrew/protocol';
import { trimBytes, trimLines } from './trim-frame.ts';

/** Where a viewer's connection starts. */
export interface LogQuery {
  phase?: Phase;
  attempt?: number;
  offset: number;
}

/** What becomes of a frame: shown (perhaps trimmed) or not, and how to go on. */
export interface Taken {
  show?: ViewerFrame;
  /** `done`: nothing follows. `choose`: this connection has given all it will; see {@link LogCursor.choose}. `gap`: bytes are missing. */
  go?: 'done' | 'choose' | 'gap';
}

/**
 * Remembers what has been shown of a task's log, so that every byte is shown once however often the connection breaks. Pure but
 * for its memory: frames and lists go in, decisions come out.
 */
export interface LogCursor {
  take(frame: ViewerFrame): Taken;
  /** The query of the next connection, as far as memory alone can tell; undefined when the task's streams must be listed first. */
  resume(): LogQuery | undefined;
  /** How to go on when the present stream has ended, given all streams of the task: another connection, or not at all. */
  choose(streams: readonly LogStreamInfo[]): { query: LogQuery } | { end: ViewerFrame };
}

interface Known {
  stream: LogStream;
  next: number;
  ended: boolean;
}

const keyOf = ({ attempt_id, phase }: { attempt_id: AttemptId; phase: Phase }): string => `${attempt_id}/${phase}`;

/** @param wanted what the caller asked for; without a phase the whole task is followed */
export function createLogCursor(wanted: Partial<LogQuery>): LogCursor {
  const known = new Map<string, Known>();
  const start: LogQuery = { ...wanted, offset: wanted.offset ?? 0 };
  let current: Known | undefined;
  /** Whether the present connection was asked for one stream only, though the caller wants all. */
  let narrowed = false;
  let end: (ViewerFrame & { type: 'end' }) | undefined;
  let lastTask = '';

  function takeStream(frame: ViewerFrame & { type: 'stream' }): Taken {
    const before = known.get(keyOf(frame.stream));
    const expected = before?.next ?? (known.size === 0 ? start.offset : 0);
    if (frame.offset > expected) return { go: 'gap' };
    current = before ?? { stream: frame.stream, next: frame.offset, ended: false };
    known.set(keyOf(frame.stream), current);
    return before === undefined ? { show: frame } : {};
  }

  function takeContent(frame: ViewerFrame & { type: 'bytes' | 'lines' }): Taken {
    const entry = known.get(keyOf(frame.stream));
    if (entry === undefined || frame.offset > entry.next) return { go: 'gap' };
    if (frame.next_offset <= entry.next) return {};
    const show =
      frame.offset === entry.next
        ? frame
        : frame.type === 'bytes'
          ? trimBytes(frame, entry.next)
          : trimLines(frame, entry.next);
    entry.next = frame.next_offset;
    return show === undefined ? {} : { show };
  }

  function takeStreamEnd(frame: ViewerFrame & { type: 'stream_end' }): Taken {
    const entry = known.get(keyOf(frame.stream));
    if (entry === undefined || frame.length > entry.next) return { go: 'gap' };
    if (entry.ended) return {};
    entry.ended = true;
    return { show: frame };
  }

  function takeTask(frame: ViewerFrame & { type: 'task' }): Taken {
    const text = JSON.stringify(frame);
    if (text === lastTask) return {};
    lastTask = text;
    return { show: frame };
  }

  /** The end of a narrowed connection is the end of its stream, not of the task. */
  function takeEnd(frame: ViewerFrame & { type: 'end' }): Taken {
    if (!narrowed) return { show: frame, go: 'done' };
    end = frame;
    return { go: 'choose' };
  }

  function narrowTo({ stream, next }: { stream: LogStream; next: number }): LogQuery {
    narrowed = wanted.phase === undefined;
    return { phase: stream.phase, attempt: stream.attempt, offset: next };
  }

  /** Follows the task again; the offset belongs to the newest plan, where the server begins. */
  function widen(streams: readonly LogStreamInfo[]): LogQuery {
    narrowed = false;
    const plan = streams.findLast((stream) => stream.phase === 'plan');
    const offset = (plan && known.get(keyOf(plan))?.next) ?? 0;
    return wanted.attempt === undefined ? { offset } : { attempt: wanted.attempt, offset };
  }

  return {
    take(frame) {
      if (frame.type === 'stream') return takeStream(frame);
      if (frame.type === 'bytes' || frame.type === 'lines') return takeContent(frame);
      if (frame.type === 'stream_end') return takeStreamEnd(frame);
      if (frame.type === 'task') return takeTask(frame);
      return frame.type === 'end' ? takeEnd(frame) : { show: frame, go: 'done' };
    },
    resume() {
      if (current === undefined) return start;
      if (!current.ended || wanted.phase !== undefined) return narrowTo(current);
      return undefined;
    },
    choose(all) {
      const streams = all.filter(({ attempt }) => attempt === (wanted.attempt ?? attempt));
      const last = streams.findLastIndex((stream) => known.has(keyOf(stream)));
      const next = streams[last + 1];
      if (next !== undefined) return { query: narrowTo({ stream: next, next: 0 }) };
      return end !== undefined && isTerminal(end.status) ? { end } : { query: widen(streams) };
    },
  };
}
