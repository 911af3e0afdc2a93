import type { Client } from '@groundcrew/client';
import type { Clock, Logger } from '@groundcrew/kit';
import {
  type AcceptRequest,
  type AgentFrame,
  type AttemptId,
  CONTROL_SILENCE_SECONDS,
  type Heartbeat,
  type HeartbeatAnswer,
  ServerFrame,
  SOCKETS,
  type TaskId,
} from '@groundcrew/protocol';
import type { LinkListener } from './link.ts';

export interface PushLinkDeps {
  client: Client;
  clock: Clock;
  logger: Logger;
  agentId: string;
  instance: number;
  version: string;
  held: () => AttemptId[];
  freeSlots: () => number;
  listener: LinkListener;
  onUpOrDown: (up: boolean) => void;
}

type Reply = Extract<ServerFrame, { payload: { reply: string } }>;
/** How long an answer over the socket is waited for before the same thing is said over HTTP. */
const REPLY_MS = 5_000;

/** The command socket: orders in, accepts and heartbeats out, each frame that wants one with its reply. */
export function createPushLink(deps: PushLinkDeps) {
  const { client, listener, logger } = deps;
  const waiting = new Map<string, (reply: Reply | undefined) => void>();
  let next = 0;
  const newId = (): string => {
    next += 1;
    return `a${next}`;
  };

  const socket = client.socket<ServerFrame, AgentFrame>({
    path: SOCKETS.control,
    query: { agent_id: deps.agentId },
    parse: (json) => ServerFrame.parse(json),
    onMessage: receive,
    onBadMessage: (error) => logger.warn({ err: error }, 'the server said something that is not understood'),
    onUp: () => {
      deps.onUpOrDown(true);
      return [
        {
          type: 'hello',
          id: newId(),
          payload: {
            agent_id: deps.agentId,
            instance: deps.instance,
            version: deps.version,
            attempts: deps.held(),
            free_slots: deps.freeSlots(),
          },
        },
      ];
    },
    onDown: ({ reason }) => {
      deps.onUpOrDown(false);
      logger.debug({ reason }, 'the command socket is down');
      for (const answer of waiting.values()) answer(undefined);
      waiting.clear();
      return undefined;
    },
    silenceMs: CONTROL_SILENCE_SECONDS * 1000,
    clock: deps.clock,
  });

  function receive(frame: ServerFrame): void {
    if (frame.type === 'run_task') void listener.onOffer(frame.payload);
    else if (frame.type === 'cancel_task') listener.onCancel(frame.payload);
    else if (frame.type === 'start_realtime_stream') listener.onWatched(frame.payload.task_id, true);
    else if (frame.type === 'stop_realtime_stream') listener.onWatched(frame.payload.task_id, false);
    else if (frame.type === 'drain') listener.onDrain(frame.payload.reason);
    else if (frame.type === 'refresh_credentials') listener.onRefreshCredentials();
    else if (frame.type === 'hello_ack') listener.onDesired(frame.payload.heartbeat);
    else waiting.get(frame.payload.reply)?.(frame);
  }

  /** The reply to a frame, or undefined when the link broke or stayed silent: then nobody knows whether it counted. */
  function ask(frame: AgentFrame): Promise<Reply | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => answer(undefined), REPLY_MS);
      const answer = (reply: Reply | undefined) => {
        clearTimeout(timer);
        waiting.delete(frame.id);
        resolve(reply);
      };
      waiting.set(frame.id, answer);
      if (!socket.send(frame, { transient: true })) answer(undefined);
    });
  }

  return {
    get isUp() {
      return socket.isUp;
    },
    /** `unanswered`: ask again another way; the same secret again gets the same answer. */
    async accept(
      taskId: TaskId,
      request: AcceptRequest,
    ): Promise<{ kind: 'taken' } | { kind: 'refused'; sentence: string } | { kind: 'unanswered' }> {
      const reply = await ask({ type: 'accept', id: newId(), payload: { ...request, task_id: taskId } });
      if (reply?.type === 'accept_ack') return { kind: 'taken' };
      return reply?.type === 'refused' ? { kind: 'refused', sentence: reply.payload.error } : { kind: 'unanswered' };
    },
    reject: (taskId: TaskId, attemptId: AttemptId, reason: string): boolean =>
      socket.send(
        { type: 'reject', id: newId(), payload: { task_id: taskId, attempt_id: attemptId, reason } },
        { transient: true },
      ),
    async heartbeat(body: Heartbeat): Promise<HeartbeatAnswer | undefined> {
      const reply = await ask({ type: 'heartbeat', id: newId(), payload: body });
      return reply?.type === 'heartbeat_ack' ? reply.payload.answer : undefined;
    },
    /** A hint that an attempt is over; its exit record says so with more weight. */
    tellEnd(end: {
      taskId: TaskId;
      attemptId: AttemptId;
      result: string;
      exitCode: number | null;
      duration: number;
      errorMessage: string | null;
    }): void {
      const common = {
        task_id: end.taskId,
        attempt_id: end.attemptId,
        exit_code: end.exitCode,
        duration: end.duration,
      };
      if (end.result === 'succeeded')
        socket.send(
          { type: 'task_completed', id: newId(), payload: { ...common, status: 'completed' } },
          { transient: true },
        );
      else
        socket.send(
          {
            type: 'task_failed',
            id: newId(),
            payload: {
              ...common,
              status: end.result,
              error_message: (end.errorMessage ?? end.result).slice(0, 20_000),
            },
          },
          { transient: true },
        );
    },
    reconnect: () => socket.reconnect(),
    close: () => socket.close(),
  };
}
export type PushLink = ReturnType<typeof createPushLink>;
