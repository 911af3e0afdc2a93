import type { LogStream, ViewerFrame } from '@groundcrew/protocol';
import {
  createLineSplitter,
  levelOf,
  type PlacedLine,
  type Segment,
  type StoredStream,
  stripEscapes,
} from './log-stream.ts';

export const presentStream = (stream: StoredStream): LogStream => ({
  task_id: stream.taskId,
  phase: stream.phase,
  attempt_id: stream.attemptId,
  attempt: stream.attempt,
});

/** Turns the segments of one stream, handed in one after the other, into frames that follow each other without gap or overlap. */
export interface Presenter {
  present(segment: Segment): ViewerFrame[];
  /** What is left at the end: a line without its newline. */
  flush(): ViewerFrame[];
}

/** The bytes as they are stored. */
export function createBytesPresenter(stream: LogStream): Presenter {
  return {
    present: ({ offset, length, content, writtenAt }) => [
      {
        type: 'bytes',
        stream,
        offset,
        next_offset: offset + length,
        written_at: writtenAt.toISOString(),
        content_base64: content.toString('base64'),
      },
    ],
    flush: () => [],
  };
}

/** Lines with time and level. A line is shown once it is whole; a viewer that comes back from `next_offset` misses none of it. */
export function createLinesPresenter(stream: LogStream, start: number): Presenter {
  let splitter = createLineSplitter(start);
  let at = start;
  let writtenAt = new Date(0);

  function frames(lines: PlacedLine[], nextOffset: number): ViewerFrame[] {
    if (lines.length === 0) return [];
    const offset = at;
    at = nextOffset;
    return [{ type: 'lines', stream, offset, next_offset: nextOffset, lines: lines.map(toLine) }];
  }

  const toLine = ({ text, offset }: PlacedLine) => ({
    task_id: stream.task_id,
    timestamp: writtenAt.toISOString(),
    level: levelOf(text),
    line: stripEscapes(text),
    offset,
  });

  /** The marker has not the length of what it stands for, so lines are counted anew behind it. */
  function presentGap({ offset, length, content }: Segment): ViewerFrame[] {
    const lines = [...splitter.flush(), { offset, text: content.toString('utf8').trim() }];
    splitter = createLineSplitter(offset + length);
    return frames(lines, offset + length);
  }

  return {
    present(segment) {
      writtenAt = segment.writtenAt;
      if (segment.gap) return presentGap(segment);
      const lines = splitter.push(segment.content);
      return frames(lines, splitter.resumeOffset());
    },
    flush() {
      const lines = splitter.flush();
      return frames(lines, splitter.resumeOffset());
    },
  };
}
