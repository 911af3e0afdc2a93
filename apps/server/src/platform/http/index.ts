export { demandPermission, findBearer } from './access.ts';
export { AppError, invalidRequest, notFound } from './app-error.ts';
export type {
  AgentCaller,
  AgentIdentity,
  AnonymousCaller,
  AttemptCaller,
  AttemptIdentity,
  Authenticators,
  Caller,
  CallerOf,
  Identity,
  RegistrantCaller,
  RegistrantIdentity,
  RequestInfo,
  UserCaller,
  UserIdentity,
} from './caller.ts';
export { type ClientAddress, createClientAddress, parseTrusted } from './client-address.ts';
export { writeErrorAnswer } from './client-error.ts';
export { createHttp, type Http, type HttpOptions } from './create-http.ts';
export { toErrorAnswer } from './error-answer.ts';
export {
  type Handler,
  type HandlerInput,
  type Handlers,
  mergeHandlers,
  noContent,
  RawAnswer,
  rawAnswer,
} from './handler.ts';
export type { Claim } from './idempotency/claim.ts';
export { createIdempotency, type Idempotency } from './idempotency/idempotency.ts';
export { addDocs } from './openapi/docs.ts';
export { createOpenApiDocument } from './openapi/document.ts';
export { decodeCursor, decodeNumberCursor, encodeCursor, toPage } from './paging.ts';
export { parseInput } from './parse-input.ts';
export { type RawBody, readRaw } from './raw-body.ts';
