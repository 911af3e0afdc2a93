import { ERROR_CODES, ErrorBody, type ErrorCode } from '@groundcrew/protocol';

export interface Refusal {
  /** HTTP status. */
  status: number;
  code: ErrorCode;
  /** What the code's documentation says stands there; read it with a schema of the protocol. */
  details?: unknown;
  /** Finds the call in the server's log. */
  requestId?: string | undefined;
  /** What the server asked to wait before the next try. */
  retryAfterMs?: number | undefined;
}

/** The server answered, and the answer is no. The message is the server's own sentence. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: ErrorCode;
  readonly details: unknown;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, refusal: Refusal) {
    super(message);
    this.status = refusal.status;
    this.code = refusal.code;
    this.details = refusal.details;
    this.requestId = refusal.requestId;
    this.retryAfterMs = refusal.retryAfterMs;
  }
}

export interface NoAnswer {
  /** False when the request certainly never reached the server, so that sending it again cannot do it twice. */
  maybeSent: boolean;
  timedOut?: boolean;
  cause?: unknown;
}

/** There was no answer: nobody listens, the connection broke, or time ran out. The server may still have done what was asked. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly maybeSent: boolean;
  readonly timedOut: boolean;

  constructor(message: string, { maybeSent, timedOut = false, cause }: NoAnswer) {
    super(message, cause === undefined ? undefined : { cause });
    this.maybeSent = maybeSent;
    this.timedOut = timedOut;
  }
}

/** What an answer that is no success says, whether the server or something between wrote it. */
export function readRefusal(status: number, body: string, retryAfter: string | undefined, origin: string): ApiError {
  const retryAfterMs = parseRetryAfter(retryAfter);
  const parsed = ErrorBody.safeParse(findJson(body));
  if (!parsed.success)
    return new ApiError(explainForeign(status, origin), { status, code: codeOfStatus(status), retryAfterMs });
  const { error, code, details, request_id } = parsed.data;
  return new ApiError(error, { status, code, details, requestId: request_id, retryAfterMs });
}

const explainForeign = (status: number, origin: string): string =>
  `${origin} answered ${status}, but not as a Groundcrew server does. Check the address, and any proxy in between.`;

/** The nearest code for an answer from a proxy, which knows none. */
function codeOfStatus(status: number): ErrorCode {
  if (status === 502 || status === 504) return 'unavailable';
  const found = Object.entries(ERROR_CODES).find(([, row]) => row.status === status);
  return (found?.[0] as ErrorCode | undefined) ?? (status >= 500 ? 'internal' : 'invalid_request');
}

/** Seconds, as our servers send it; the date form of RFC 9110 is left to proxies and ignored. */
function parseRetryAfter(header: string | undefined): number | undefined {
  const seconds = header === undefined || header.trim() === '' ? Number.NaN : Number(header);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

function findJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
