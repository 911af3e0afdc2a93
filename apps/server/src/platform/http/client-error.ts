import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { newId } from '@groundcrew/kit';
import { AppError } from './app-error.ts';
import { type ErrorAnswer, toErrorAnswer } from './error-answer.ts';

/** Answers on the bare socket what is not even HTTP. */
export function answerClientError(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const sentence =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? 'The headers are larger than this server takes.'
      : 'This is not a well-formed HTTP request.';
  writeErrorAnswer(socket, toErrorAnswer(new AppError('invalid_request', sentence), newId('req')));
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
