import { ERROR_CODES, type ErrorBody, type ErrorCode } from '@groundcrew/protocol';
import { BlobError } from '../blobs/index.ts';
import { DatabaseError } from '../database/index.ts';
import { AppError } from './app-error.ts';
import { findDatabaseRefusal } from './database-refusals.ts';

/** An error on its way to the client. */
export interface ErrorAnswer {
  status: number;
  body: ErrorBody;
  headers: Record<string, string>;
  /** A fault of ours, to be found in the log by its request id. */
  isFault: boolean;
}

/** Turns whatever was thrown into an answer, in one place for HTTP and WebSockets. What we do not know is never shown. */
export function toErrorAnswer(error: unknown, requestId: string): ErrorAnswer {
  const known = toAppError(error);
  const { code, message, details } =
    known ?? new AppError('internal', `The server failed at this; its log says why under ${requestId}.`);
  const body: ErrorBody = {
    error: message,
    code,
    ...(details === undefined ? {} : { details }),
    request_id: requestId,
  };
  return { status: ERROR_CODES[code].status, body, headers: headersFor(code, known), isFault: known === undefined };
}

function headersFor(code: ErrorCode, error: AppError | undefined): Record<string, string> {
  if (code === 'unauthenticated') return { 'www-authenticate': 'Bearer' };
  const after = error?.retryAfterSeconds ?? (code === 'unavailable' || code === 'rate_limited' ? 1 : undefined);
  return after === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(after))) };
}

/** What the framework refuses by itself, in our words. */
const FRAMEWORK: Record<string, [ErrorCode, string]> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'unsupported_media_type',
    'This call takes JSON; send it with "Content-Type: application/json".',
  ],
  FST_ERR_CTP_INVALID_JSON_BODY: ['invalid_request', 'The body is not valid JSON.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    'invalid_request',
    'The body is not as long as its Content-Length says; send it again.',
  ],
  FST_ERR_BAD_URL: ['invalid_request', 'The URL cannot be decoded.'],
  FST_ERR_MAX_PARAM_LENGTH: ['not_found', 'There is nothing at an address this long.'],
};

function toAppError(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error;
  if (error instanceof DatabaseError) return findDatabaseRefusal(error);
  if (error instanceof BlobError) return findBlobRefusal(error);
  if (!(error instanceof Error)) return undefined;
  const { code, statusCode } = error as Error & { code?: string; statusCode?: number };
  const framework = code === undefined ? undefined : FRAMEWORK[code];
  if (framework !== undefined) return new AppError(framework[0], framework[1], undefined, { cause: error });
  if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE')
    return new AppError('invalid_request', 'The connection ended before the whole body had arrived.', undefined, {
      cause: error,
    });
  if (code?.startsWith('FST_') && statusCode !== undefined && statusCode < 500)
    return new AppError('invalid_request', 'The request cannot be understood.', undefined, { cause: error });
  return undefined;
}

/** Bytes that are missing or damaged in the store are a fault of ours. */
function findBlobRefusal(error: BlobError): AppError | undefined {
  if (error.kind === 'too_large') return new AppError('too_large', error.message);
  return error.kind === 'checksum' ? new AppError('checksum_mismatch', error.message) : undefined;
}
