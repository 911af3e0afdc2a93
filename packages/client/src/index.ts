export { ApiError, ConnectionError } from './api-error.ts';
export { checkBaseUrl, isLoopback } from './check-url.ts';
export { type Client, type ClientOptions, createClient, type TokenSource } from './client.ts';
export { createFetchTransport } from './fetch-transport.ts';
export type { RetryFigures } from './retry-policy.ts';
export type { CallAnswer, CallArguments, CallInput, CallOptions, CallRetry, RawAnswer, RawBody } from './route-call.ts';
export type { BodySource, Transport, TransportAnswer, TransportRequest } from './transport.ts';
