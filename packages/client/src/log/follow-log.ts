import {
  ERROR_CODES,
  ErrorCode,
  type LogStreamInfo,
  type Phase,
  SOCKETS,
  type TaskId,
  ViewerFrame,
} from '@groundcrew/protocol';
import { ApiError, ConnectionError } from '../api-error.ts';
import type { Client } from '../client.ts';
import { mayPass } from '../retry-policy.ts';
import type { SocketEnd } from '../socket/raw-socket.ts';
import { createFrameQueue } from './frame-queue.ts';
import { createLogCursor, type LogQuery, type Taken } from './log-cursor.ts';

export interface FollowOptions {
  taskId: TaskId;
  /** One phase only; without it the whole task is followed: plan, then apply, and further attempts. */
  phase?: Phase | undefined;
  /** The number of one attempt; default the newest. */
  attempt?: number | undefined;
  /** Byte of the first stream to begin with. */
  offset?: number | undefined;
  /** `bytes` as Terraform wrote them (the default), or presented `lines`. */
  format?: 'lines' | 'bytes';
  signal?: AbortSignal;
  /** The connection broke or could not be made; it is made again. */
  onBreak?: (reason: string) => void;
  /** Check every frame against its schema. */
  validate?: boolean;
}

/** Frames that may wait for the reader before the connection is paused. */
const HIGH_WATER = 16;
/** A server that leaves bytes out this often in a row does not have them. */
const MAX_GAPS = 5;

/**
 * Follows a task's log live, from the beginning or an offset to its end: every byte once, whatever breaks in between. Ends
 * after the `end` frame, or when the reader stops. Throws {@link ApiError} when the server refuses, the signal's reason when it
 * aborts; a lost connection is made again for as long as it takes.
 */
export async function* followLog(client: Client, options: FollowOptions): AsyncGenerator<ViewerFrame, void, undefined> {
  const { taskId, format = 'bytes', signal } = options;
  signal?.throwIfAborted();
  const cursor = createLogCursor(wantedOf(options));
  const queue = createFrameQueue<ViewerFrame>(HIGH_WATER, {
    pause: () => socket.pause(),
    resume: () => socket.resume(),
  });
  let gaps = 0;

  async function nextQuery(): Promise<Record<string, unknown>> {
    const resumed = cursor.resume();
    if (resumed !== undefined) return { task_id: taskId, format, ...resumed };
    const chosen = cursor.choose(await listStreams(client, taskId, signal));
    if ('query' in chosen) return { task_id: taskId, format, ...chosen.query };
    queue.push(chosen.end);
    queue.end();
    throw new Error('the task has ended');
  }

  function onMessage(frame: ViewerFrame): void {
    if (frame.type === 'error') {
      if (isPassing(frame.code)) socket.reconnect({ afterPause: true });
      else queue.end(toApiError(frame));
      return;
    }
    const { show, go } = cursor.take(frame);
    if (show !== undefined) {
      gaps = 0;
      queue.push(show);
    }
    if (go !== undefined) goOn(go);
  }

  function goOn(go: NonNullable<Taken['go']>): void {
    if (go === 'done') queue.end();
    else if (go === 'choose') socket.reconnect();
    else {
      gaps += 1;
      if (gaps < MAX_GAPS) socket.reconnect({ afterPause: true });
      else queue.end(new ConnectionError(`The server left out a part of the log of ${taskId}.`, { maybeSent: true }));
    }
  }

  function onDown({ reason, refusal }: SocketEnd): 'stop' | undefined {
    if (refusal !== undefined && !mayPass(refusal)) queue.end(refusal);
    if (queue.isEnded) return 'stop';
    options.onBreak?.(reason);
    return undefined;
  }

  const socket = client.socket({
    path: SOCKETS.viewerLogs,
    query: nextQuery,
    parse: (json) => (options.validate ? ViewerFrame.parse(json) : (json as ViewerFrame)),
    onMessage,
    onBadMessage: (error) => queue.end(error),
    onDown,
  });
  const onAbort = () => queue.end(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    for (let frame = await queue.next(); frame !== undefined; frame = await queue.next()) yield frame;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    socket.close();
  }
}

const wantedOf = ({ phase, attempt, offset }: FollowOptions): Partial<LogQuery> => ({
  ...(phase === undefined ? {} : { phase }),
  ...(attempt === undefined ? {} : { attempt }),
  ...(offset === undefined ? {} : { offset }),
});

async function listStreams(client: Client, taskId: TaskId, signal: AbortSignal | undefined): Promise<LogStreamInfo[]> {
  const { items } = await client.call('listLogStreams', { params: { task_id: taskId } }, signal ? { signal } : {});
  return items;
}

const isPassing = (code: string): boolean => code === 'unavailable' || code === 'internal' || code === 'rate_limited';

function toApiError({ error, code }: ViewerFrame & { type: 'error' }): ApiError {
  const known = ErrorCode.safeParse(code);
  const closed = known.success ? known.data : 'internal';
  return new ApiError(error, { status: ERROR_CODES[closed].status, code: closed });
}
