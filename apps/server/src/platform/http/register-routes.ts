import { API_PREFIX, type RouteSpec, routes as table } from '@groundcrew/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { authorise, demandPlace, type FindPlace, type PlacedInput } from './access.ts';
import { AppError } from './app-error.ts';
import type { Authenticators, Caller, RequestInfo, UserCaller } from './caller.ts';
import { checkAnswer } from './check-answer.ts';
import { type AnyHandler, type Handlers, RawAnswer } from './handler.ts';
import type { Idempotency, KeyedAnswer } from './idempotency/idempotency.ts';
import { addJsonParser, isJson } from './json-body.ts';
import { parseInput } from './parse-input.ts';
import { createRawBody, type RawBody } from './raw-body.ts';
import { createRequestInfo, withClaim } from './request-info.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who makes the call; set before the body is read. */
    caller: Caller;
  }
}

export interface RegisterOptions {
  handlers: Handlers;
  authenticators: Authenticators;
  /** Which workspace a call is about, for who has rights on single ones. */
  findPlace: FindPlace;
  idempotency: Idempotency;
  /** Aborts when the server shuts down. */
  closing: AbortSignal;
  /** Holds every answer against its schema: in tests and development, not where it costs. */
  checkAnswers: boolean;
}

/** A row of the table with its handler. */
interface Row {
  name: string;
  spec: RouteSpec;
  handler: AnyHandler;
  /** The answer holds the text of a token. */
  isSecret: boolean;
}

/** Largest JSON body when the route says nothing else. */
const DEFAULT_JSON_BYTES = 1024 * 1024;

/** Registers every route of the table. A route without a handler is a mistake in the composition and stops the start. */
export function registerRoutes(app: FastifyInstance, options: RegisterOptions): void {
  const rows = toRows(options.handlers);
  app.decorateRequest('caller');
  // Which bodies are parsed is a property of the surrounding context, so there is one for each kind.
  void app.register(async (json) => {
    addJsonParser(json);
    for (const row of rows) if (row.spec.rawBody === undefined) addRoute(json, row, options);
  });
  void app.register(async (raw) => {
    raw.removeAllContentTypeParsers();
    addRawParser(raw);
    for (const row of rows)
      if (row.spec.rawBody !== undefined && !row.spec.rawBody.jsonToo) addRoute(raw, row, options);
  });
  void app.register(async (both) => {
    addJsonParser(both);
    addRawParser(both);
    for (const row of rows) if (row.spec.rawBody?.jsonToo) addRoute(both, row, options);
  });
}

function toRows(handlers: Handlers): Row[] {
  const missing = Object.keys(table).filter((name) => !(name in handlers));
  if (missing.length > 0)
    throw new Error(`These routes have no handler: ${missing.join(', ')}. Give their module to the composition.`);
  return Object.entries(table).map(([name, spec]) => ({
    name,
    spec,
    handler: handlers[name as keyof Handlers] as AnyHandler,
    isSecret: holdsToken(spec),
  }));
}

function addRawParser(app: FastifyInstance): void {
  app.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined));
}

function addRoute(app: FastifyInstance, row: Row, options: RegisterOptions): void {
  const { spec } = row;
  app.route({
    method: spec.method,
    url: API_PREFIX + spec.path,
    bodyLimit: spec.maxBodyBytes ?? DEFAULT_JSON_BYTES,
    // Before the body is read: what nobody may send is not waited for.
    async onRequest(request, reply) {
      const info = createRequestInfo(request.raw, reply.raw, request.id, request.ip, options.closing);
      request.caller = await authorise(spec, info, options.authenticators);
    },
    handler: (request, reply) => answer(request, reply, row, options),
  });
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  row: Row,
  options: RegisterOptions,
): Promise<unknown> {
  const { spec, handler } = row;
  const raw =
    spec.rawBody !== undefined && !(spec.rawBody.jsonToo && isJson(request))
      ? createRawBody(request.raw, spec.rawBody.maxBytes)
      : undefined;
  const input = parseInput(
    spec,
    { params: request.params, query: request.query, headers: request.raw.headers, body: request.body },
    raw !== undefined,
  );
  const placed =
    spec.access.who === 'user'
      ? await demandPlace(spec.access, request.caller as UserCaller, input as PlacedInput, options.findPlace)
      : { caller: request.caller, input };
  const call = (info: RequestInfo) =>
    handler({ ...placed.input, raw, caller: { ...placed.caller, request: info }, request: info } as never);
  const key = findIdempotencyKey(request, spec);
  if (key === undefined) return send(reply, row, await call(request.caller.request), options);
  const keyed = await options.idempotency.run(
    {
      caller: placed.caller as UserCaller,
      key,
      route: `${spec.method} ${request.url}`,
      request: identityOf(input, raw),
      isSecret: row.isSecret,
    },
    async (claim) => toKeyedAnswer(spec, await call(withClaim(request.caller.request, claim))),
  );
  return send(reply, row, keyed.body, options, keyed.status);
}

function send(
  reply: FastifyReply,
  { name, spec }: Row,
  outcome: unknown,
  { checkAnswers }: RegisterOptions,
  status = spec.status ?? (spec.answer ? 200 : 204),
): unknown {
  if (outcome instanceof RawAnswer) return sendRaw(reply, spec, outcome);
  if (outcome === undefined || status === 204) return reply.code(204).send();
  if (checkAnswers) checkAnswer(name, spec.answer, outcome);
  return reply.code(status).header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(outcome));
}

function sendRaw(reply: FastifyReply, spec: RouteSpec, { content, contentType, headers, status }: RawAnswer): unknown {
  reply.code(status).headers(headers);
  if (content === undefined) return reply.send();
  reply.header('content-type', contentType ?? spec.rawAnswer ?? 'application/octet-stream');
  return reply.send(content instanceof Uint8Array && !Buffer.isBuffer(content) ? Buffer.from(content) : content);
}

/** The key of a user's mutating call; others repeat harmlessly by their own rules. */
function findIdempotencyKey(request: FastifyRequest, spec: RouteSpec): string | undefined {
  const key = request.raw.headers['idempotency-key'];
  if (key === undefined || spec.method === 'GET' || spec.access.who !== 'user') return undefined;
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw new AppError(
    'invalid_request',
    'An Idempotency-Key is 1 to 255 printable characters without spaces, such as a UUID.',
  );
}

/** What makes a request the same again. The bytes of a raw body are named by their checksum header. */
const identityOf = (input: object, raw: RawBody | undefined): unknown => ({
  ...input,
  contentLength: raw?.contentLength ?? null,
});

function toKeyedAnswer(spec: RouteSpec, outcome: unknown): KeyedAnswer {
  if (outcome instanceof RawAnswer)
    throw new Error('A call with an Idempotency-Key answered with bytes, which are not kept.');
  return outcome === undefined ? { status: 204, body: undefined } : { status: spec.status ?? 200, body: outcome };
}

const holdsToken = ({ answer: schema }: RouteSpec): boolean =>
  schema !== undefined &&
  'shape' in schema &&
  ['token', 'app_secret'].some((field) => field in (schema.shape as object));
