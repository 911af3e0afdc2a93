import * as z from 'zod';

/** Every error code, the HTTP status it travels with, and what it means. Closed: a code not listed here does not exist. */
export const ERROR_CODES = {
  invalid_request: {
    status: 400,
    meaning: 'The request does not have the documented shape; `details` lists each mistake.',
  },
  invalid_archive: {
    status: 422,
    meaning: 'The configuration archive holds something that is not accepted; the sentence names the entry.',
  },
  invalid_configuration: {
    status: 422,
    meaning: 'The configuration cannot be taken as it is; the sentence names the file.',
  },
  invalid_state: { status: 422, meaning: 'The bytes are not a Terraform state of a supported version.' },
  checksum_mismatch: {
    status: 422,
    meaning: 'The checksum does not match the bytes that arrived; nothing was stored.',
  },
  unauthenticated: { status: 401, meaning: 'No valid credential came with the request.' },
  forbidden: { status: 403, meaning: 'The credential is valid but lacks the permission named in the sentence.' },
  not_found: { status: 404, meaning: 'There is no such thing, or it belongs to somebody else.' },
  method_not_allowed: { status: 405, meaning: 'The path exists, but not with this method.' },
  not_acceptable: { status: 406, meaning: 'The route cannot answer in the format that was asked for.' },
  too_slow: {
    status: 408,
    meaning: 'The request came so slowly that the server gave it up and did nothing; send it again.',
  },
  conflict: { status: 409, meaning: 'The thing is not in a state that allows this; the sentence says which state.' },
  not_admitted: {
    status: 409,
    meaning:
      'The pool does not take this agent as it is; the sentence names who can change that. It may ask again: nobody else has to start it anew.',
  },
  name_taken: { status: 409, meaning: 'Another thing of this kind already has this name.' },
  offset_mismatch: {
    status: 409,
    meaning: 'The log does not go on at this offset; `details.next_offset` is the stored length.',
  },
  fenced: { status: 409, meaning: 'The attempt has lost its right to act; `details` holds the present state.' },
  held: { status: 409, meaning: 'An apply holds the workspace; its state cannot be written by anybody else.' },
  locked: { status: 409, meaning: 'The workspace is locked; the sentence names by whom and why.' },
  stale_plan: { status: 409, meaning: 'The plan is not the present one; plan again.' },
  permit_refused: { status: 409, meaning: 'The apply may not start; `details.reason` says why.' },
  quarantined: {
    status: 409,
    meaning: 'The state was stored in quarantine and is not current; a person decides about it.',
  },
  idempotency_mismatch: { status: 409, meaning: 'The Idempotency-Key was used before with another request.' },
  in_use: { status: 409, meaning: 'The thing still has running work; the sentence names it.' },
  gone: { status: 410, meaning: 'The thing existed and its content was removed.' },
  too_large: { status: 413, meaning: 'The body, archive or value exceeds the limit named in the sentence.' },
  unsupported_media_type: { status: 415, meaning: 'The route does not take this content type.' },
  headers_too_large: { status: 431, meaning: 'The headers are larger than this server takes.' },
  rate_limited: { status: 429, meaning: 'Too many requests; `Retry-After` says when to come back.' },
  internal: { status: 500, meaning: 'A fault of the server; the request id finds it in its log.' },
  not_implemented: { status: 501, meaning: 'This server does not offer it.' },
  unavailable: { status: 503, meaning: 'The server cannot answer just now; `Retry-After` says when to come back.' },
} as const satisfies Record<string, { status: number; meaning: string }>;

export const ErrorCode = z.enum(
  Object.keys(ERROR_CODES) as [keyof typeof ERROR_CODES, ...(keyof typeof ERROR_CODES)[]],
);
export type ErrorCode = z.infer<typeof ErrorCode>;

/** The body of every answer that is not a success. */
export const ErrorBody = z.object({
  error: z.string().describe('One sentence that names the thing and the way out.'),
  code: ErrorCode,
  details: z.unknown().optional(),
  request_id: z.string(),
});
export type ErrorBody = z.infer<typeof ErrorBody>;

/** One mistake in a request, as listed in `details` of `invalid_request`. */
export const Mistake = z.object({ path: z.string(), message: z.string() });
export type Mistake = z.infer<typeof Mistake>;
