import { type Logger, sha256Hex } from '@groundcrew/kit';
import { LogChunk, LogLine, type Phase, SOCKETS, TaskId } from '@groundcrew/protocol';
import * as z from 'zod';
import { AppError, type AttemptIdentity, type Authenticators, toErrorAnswer } from '../../platform/http/index.ts';
import type { Connection, SocketHub } from '../../platform/sockets/index.ts';
import type { IncomingChunk, LogsService } from './service.ts';

const Query = z.object({ task_id: TaskId, stream_mode: z.string().max(20).default('auto') });

/** The level is told from what the line says, whatever its sender calls it. */
const Line = LogLine.pick({ task_id: true, timestamp: true, line: true });

/** Appends and, when that was the last of what the exit record names, lets the life cycle know. */
export type AppendLog = (
  attempt: AttemptIdentity,
  phase: Phase,
  chunk: IncomingChunk,
) => Promise<{ nextOffset: number; savedBytes: number }>;

export interface AgentSocketDeps {
  hub: SocketHub;
  logs: Pick<LogsService, 'listStreams'>;
  append: AppendLog;
  authenticators: Authenticators;
  logger: Logger;
}

/**
 * `GET /ws/agent/logs`, for an agent that prefers a socket for upload: frames as in `logs/chunk`, or single lines from agents of
 * other makes. Both end in the same store through the same append, and each frame is answered like a call.
 */
export function registerAgentLogSocket({ hub, logs, append, authenticators, logger }: AgentSocketDeps): void {
  hub.register(SOCKETS.agentLogs, {
    query: Query,
    async authenticate({ token, query }) {
      const attempt = token === undefined ? undefined : await authenticators.attempt(token);
      if (attempt === undefined || attempt.taskId !== query.task_id)
        throw new AppError('unauthenticated', "The log socket takes the attempt's own credential (att_…) as bearer.");
      return attempt;
    },
    maxMessageBytes: 8 * 1024 * 1024,
    onConnection: (connection, attempt) => connection.onMessage((text) => take(connection, attempt, text)),
  });

  async function take(connection: Connection, attempt: AttemptIdentity, text: string): Promise<void> {
    try {
      const chunk = await toChunk(attempt, JSON.parse(text));
      const { nextOffset, savedBytes } = await append(attempt, chunk.phase, chunk);
      connection.send(JSON.stringify({ status: 'saved', next_offset: nextOffset, saved_bytes: savedBytes }));
    } catch (error) {
      // Trouble of ours is told as such: an agent that took it for a mistake of its own would give its log up.
      const isTheirs = error instanceof SyntaxError || error instanceof z.ZodError;
      const refusal = isTheirs
        ? new AppError('invalid_request', 'The frame is neither a log chunk nor a line.')
        : error;
      const { body, isFault } = toErrorAnswer(refusal, connection.id);
      if (isFault) logger.error({ err: error, connection: connection.id }, 'a log frame could not be taken');
      connection.send(JSON.stringify(body));
    }
  }

  /** A line names no offset of its stream: it goes to the end of the newest one. */
  async function toChunk(attempt: AttemptIdentity, json: unknown) {
    const chunk = LogChunk.safeParse(json);
    if (chunk.success) {
      const { phase, offset, checksum, content, content_base64, written_at } = chunk.data;
      const bytes = content === undefined ? Buffer.from(content_base64 ?? '', 'base64') : Buffer.from(content);
      return { phase, offset, checksum, content: bytes, writtenAt: new Date(written_at ?? Date.now()) };
    }
    const line = Line.parse(json);
    const newest = (await logs.listStreams(attempt.taskId)).findLast(
      (stream) => stream.attemptId === attempt.attemptId,
    );
    const bytes = Buffer.from(`${line.line}\n`);
    return {
      phase: newest?.phase ?? ('plan' as const),
      offset: newest?.length ?? 0,
      checksum: sha256Hex(bytes),
      content: bytes,
      writtenAt: new Date(line.timestamp),
    };
  }
}
