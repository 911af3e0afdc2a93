import { ERROR_CODES, type ErrorCode } from '@groundcrew/protocol';
import type { WireAnswer } from '../network/network.ts';

/** What the server refuses, as its error boundary answers it. */
export class ServerRefusal extends Error {
  readonly code: ErrorCode;
  readonly details: unknown;

  constructor(code: ErrorCode, sentence: string, details?: unknown) {
    super(sentence);
    this.code = code;
    this.details = details;
  }
}

export const refusalAnswer = ({ code, message, details }: ServerRefusal): WireAnswer => ({
  status: ERROR_CODES[code].status,
  headers: {},
  body: Buffer.from(JSON.stringify({ error: message, code, details, request_id: 'simulated' })),
});

export const jsonAnswer = (value: unknown): WireAnswer =>
  value === undefined
    ? { status: 204, headers: {}, body: Buffer.alloc(0) }
    : { status: 200, headers: {}, body: Buffer.from(JSON.stringify(value)) };
