import { ERROR_CODES, type ErrorCode, type Mistake } from '@groundcrew/protocol';

export interface AppErrorOptions {
  /** Seconds after which coming back makes sense; becomes `Retry-After`. */
  retryAfterSeconds?: number;
  cause?: unknown;
}

/**
 * A refusal that the caller is told. Thrown anywhere; turned into an answer in one place only. The sentence names the thing
 * and the way out and holds no secret.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: unknown;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, sentence: string, details?: unknown, options: AppErrorOptions = {}) {
    super(sentence, { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.details = details;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get status(): number {
    return ERROR_CODES[this.code].status;
  }
}

/** `invalid_request` with one or more mistakes; the sentence repeats the first ones. */
export function invalidRequest(mistakes: readonly Mistake[]): AppError {
  const told = mistakes.slice(0, 3).map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  const more = mistakes.length > told.length ? ` (and ${mistakes.length - told.length} more)` : '';
  return new AppError('invalid_request', `The request is not as documented: ${told.join('; ')}${more}.`, mistakes);
}

/** `not_found` for a thing that is not there, or not the caller's. */
export const notFound = (noun: string, id: string): AppError =>
  new AppError('not_found', `There is no ${noun} ${JSON.stringify(id.slice(0, 128))}.`);
