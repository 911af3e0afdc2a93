import type { LogPart, LogQuery, TaskId } from '@groundcrew/protocol';
import { AppError, type Handlers, rawAnswer, type UserCaller } from '../../platform/http/index.ts';
import { type Segment, type StoredStream, stripEscapes } from './log-stream.ts';
import { presentStream } from './present-frames.ts';
import type { LogsService } from './service.ts';

export interface LogRoutesDeps {
  logs: LogsService;
  /** Throws not-found unless the caller may see the task. */
  getTask: (caller: UserCaller, taskId: TaskId) => Promise<unknown>;
}

/** Reads logs for people, as JSON with offsets or as plain bytes. */
export function createLogHandlers({ logs, getTask }: LogRoutesDeps) {
  async function pick(caller: UserCaller, taskId: TaskId, query: LogQuery): Promise<StoredStream> {
    await getTask(caller, taskId);
    const streams = (await logs.listStreams(taskId)).filter(
      (s) => (query.phase ?? s.phase) === s.phase && (query.attempt ?? s.attempt) === s.attempt,
    );
    const stream = streams.at(-1);
    if (stream === undefined) throw new AppError('not_found', `Task ${taskId} has no such log yet.`);
    return stream;
  }

  async function read(stream: StoredStream, offset: number, limit: number): Promise<Piece> {
    return cutPiece(await logs.readSegments(stream, offset, limit), offset, limit);
  }

  return {
    readLog: async ({ caller, params, query, request }) => {
      const stream = await pick(caller, params.task_id, query);
      if (request.headers.accept?.includes('text/plain')) return plain(stream, query, request.headers.range, read);
      const { content, next } = await read(stream, query.offset, query.limit);
      return {
        stream: presentStream(stream),
        offset: query.offset,
        next_offset: next,
        length: stream.length,
        complete: stream.complete,
        incomplete_reason: stream.incompleteReason,
        checksum: stream.complete ? stream.checksum : null,
        content_base64: content.toString('base64'),
      } satisfies LogPart;
    },
    listLogStreams: async ({ caller, params }) => {
      await getTask(caller, params.task_id);
      const streams = await logs.listStreams(params.task_id);
      return {
        items: streams.map((stream) => ({
          ...presentStream(stream),
          length: stream.length,
          complete: stream.complete,
          incomplete_reason: stream.incompleteReason,
          checksum: stream.checksum,
          archived: stream.archivedKey !== null,
        })),
      };
    },
  } satisfies Partial<Handlers>;
}

interface Piece {
  content: Buffer;
  /** Where the next read goes on. A gap's marker is shorter than what it stands for, so content alone cannot tell. */
  next: number;
}

/** At most `limit` bytes, but always a marker whole. */
function cutPiece(segments: readonly Segment[], offset: number, limit: number): Piece {
  const parts: Buffer[] = [];
  let [next, left] = [offset, limit];
  for (const segment of segments) {
    if (left <= 0) break;
    const part = segment.gap ? segment.content : segment.content.subarray(0, left);
    parts.push(part);
    left -= part.length;
    next = segment.gap ? segment.offset + segment.length : segment.offset + part.length;
  }
  return { content: Buffer.concat(parts), next };
}

type Read = (stream: StoredStream, offset: number, limit: number) => Promise<Piece>;

/** The bytes themselves; a Range of the form `bytes=a-b` or `bytes=a-` is honoured. */
async function plain(stream: StoredStream, query: LogQuery, range: string | undefined, read: Read) {
  const asked = range === undefined ? undefined : /^bytes=(\d+)-(\d*)$/.exec(range);
  const from = asked ? Number(asked[1]) : query.offset;
  const to = asked?.[2] ? Number(asked[2]) + 1 : from + query.limit;
  if (asked && from >= stream.length) return beyond(stream.length);
  const { content, next } = await read(stream, from, Math.max(1, Math.min(to - from, 4_194_304)));
  const headers = {
    'accept-ranges': 'bytes',
    'x-log-length': String(stream.length),
    'x-log-next-offset': String(next),
    'x-log-complete': String(stream.complete),
  };
  const body = query.strip === 'true' ? Buffer.from(stripEscapes(content.toString('utf8'))) : content;
  const contentType = 'text/plain; charset=utf-8';
  if (!asked) return rawAnswer({ buffer: body, contentType, headers });
  return rawAnswer({
    buffer: body,
    contentType,
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${from}-${Math.max(from, next - 1)}/${stream.length}` },
  });
}

/** RFC 9110, 15.5.17. */
const beyond = (length: number) =>
  rawAnswer({
    buffer: Buffer.alloc(0),
    contentType: 'text/plain; charset=utf-8',
    status: 416,
    headers: { 'content-range': `bytes */${length}` },
  });
