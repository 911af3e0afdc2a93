import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from './app-error.ts';
import { toErrorAnswer } from './error-answer.ts';

export interface SlowBodyLimits {
  /** A body may be as slow as it likes for so long. */
  graceMs: number;
  /** From then on, so many bytes a second on average since its start. */
  minBytesPerSecond: number;
  /** How often all of them are looked at. */
  everyMs: number;
}
export const SLOW_BODY_LIMITS: SlowBodyLimits = { graceMs: 30_000, minBytesPerSecond: 1_024, everyMs: 5_000 };

interface Watched {
  response: ServerResponse;
  requestId: string;
  since: number;
  startBytes: number;
}

/**
 * Ends requests whose body trickles in: somebody who sends a byte a minute would otherwise hold a connection and a handler for
 * ever. One timer for all of them; a body that keeps the rate may take as long as it needs.
 */
export function createSlowBodyWatch(limits: SlowBodyLimits, now: () => number) {
  const watched = new Map<IncomingMessage, Watched>();
  const timer = setInterval(look, limits.everyMs);
  timer.unref();

  function look(): void {
    for (const [request, { response, requestId, since, startBytes }] of watched) {
      const elapsedMs = now() - since;
      const arrived = request.socket.bytesRead - startBytes;
      if (elapsedMs > limits.graceMs && arrived < ((elapsedMs - limits.graceMs) / 1_000) * limits.minBytesPerSecond)
        refuse(request, response, requestId);
    }
  }

  function refuse(request: IncomingMessage, response: ServerResponse, requestId: string): void {
    watched.delete(request);
    if (!response.headersSent) {
      const { status, body } = toErrorAnswer(
        new AppError('too_slow', 'The body came too slowly; send it again, perhaps over a better connection.'),
        requestId,
      );
      const text = JSON.stringify(body);
      response.writeHead(status, {
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(text),
        connection: 'close',
      });
      response.end(text, () => request.destroy());
    } else request.destroy();
  }

  return {
    /** Watches a request's body until it has arrived whole or its connection is gone. */
    watch(request: IncomingMessage, response: ServerResponse, requestId: string): void {
      watched.set(request, { response, requestId, since: now(), startBytes: request.socket.bytesRead });
      const forget = () => watched.delete(request);
      request.once('end', forget);
      request.once('close', forget);
    },
    close: (): void => clearInterval(timer),
  };
}
export type SlowBodyWatch = ReturnType<typeof createSlowBodyWatch>;

/** Whether the headers announce a body. */
export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined ||
  (headers['content-length'] !== undefined && headers['content-length'] !== '0');
