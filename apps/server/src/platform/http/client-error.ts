import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { newId } from '@groundcrew/kit';
import { AppError } from './app-error.ts';
import { type ErrorAnswer, toErrorAnswer } from './error-answer.ts';

const NO_REQUEST = () => new AppError('invalid_request', 'This is not a well-formed HTTP request.');
/** What the parser of Node calls its troubles, and what they are to a client. */
const TROUBLES: Readonly<Record<string, () => AppError>> = {
  HPE_HEADER_OVERFLOW: () => new AppError('headers_too_large', 'The headers are larger than this server takes.'),
  ERR_HTTP_REQUEST_TIMEOUT: () =>
    new AppError('too_slow', 'The request came too slowly; send it again, perhaps over a better connection.'),
};

/**
 * Answers on the bare socket what is not even HTTP. An answer that is still under way to the request before goes out first: what
 * is written now would be taken for it.
 *
 * @param findUnfinished the answer that a connection still waits for
 */
export function createClientErrorHandler(findUnfinished: (socket: Duplex) => ServerResponse | undefined) {
  return (error: Error & { code?: string }, socket: Duplex): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    const refusal = (TROUBLES[error.code ?? ''] ?? NO_REQUEST)();
    const answer = (): void => {
      if (socket.writable) writeErrorAnswer(socket, toErrorAnswer(refusal, newId('req')));
    };
    const unfinished = findUnfinished(socket);
    if (unfinished === undefined) answer();
    else if (unfinished.req.complete) unfinished.once('finish', answer);
    // The garbage stands in the body of that very request, which nobody can answer any more once its answer has begun.
    else if (unfinished.headersSent) socket.destroy();
    else answer();
  };
}

/** Writes an error as a whole HTTP answer where there is no response object, and ends the connection. */
export function writeErrorAnswer(socket: Duplex, { status, headers, body }: ErrorAnswer): void {
  const text = JSON.stringify(body);
  const all: Record<string, string | number> = {
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'x-request-id': body.request_id,
    connection: 'close',
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${text}`);
}
