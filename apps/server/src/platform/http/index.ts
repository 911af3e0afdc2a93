export { demandPermission } from './access.ts';
export { AppError, invalidRequest, notFound } from './app-error.ts';
export type {
  AgentCaller,
  AgentIdentity,
  AttemptCaller,
  AttemptIdentity,
  Authenticators,
  RegistrantCaller,
  RegistrantIdentity,
  RequestInfo,
  UserCaller,
  UserIdentity,
  Via,
} from './caller.ts';
export { type ClientAddress, createClientAddress, parseTrusted } from './client-address.ts';
export { writeErrorAnswer } from './client-error.ts';
export { createHttp, explainListen } from './create-http.ts';
export { type Credential, findBearer, findCookie, findCredential, SESSION_COOKIES } from './credential.ts';
export { toErrorAnswer } from './error-answer.ts';
export { csrfTokenOf, refuseForeignPage } from './forgery.ts';
export { type Handlers, mergeHandlers, noContent, type RawAnswer, rawAnswer } from './handler.ts';
export { createIdempotency } from './idempotency/idempotency.ts';
export { addDocs } from './openapi/docs.ts';
export { createOpenApiDocument } from './openapi/document.ts';
export { decodeCursor, decodeNumberCursor, toPage } from './paging.ts';
export { parseInput } from './parse-input.ts';
export { type RawBody, readRaw } from './raw-body.ts';
export { addRequestLog, createRequestScope, type RequestScope } from './request-log.ts';
export { isWithin, mayOn, type Rights, reachOf } from './rights.ts';
