import { readFileSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Clock, type Logger, newId } from '@groundcrew/kit';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { AppError } from './app-error.ts';
import type { IsTrusted } from './client-address.ts';
import { createClientErrorHandler } from './client-error.ts';
import { toErrorAnswer } from './error-answer.ts';
import { addNotFound } from './not-found.ts';
import { tooLarge } from './raw-body.ts';
import { type RegisterOptions, registerRoutes } from './register-routes.ts';
import {
  createSlowBodyWatch,
  hasBody,
  SLOW_BODY_LIMITS,
  type SlowBodyLimits,
  type SlowBodyWatch,
} from './slow-bodies.ts';

export interface HttpOptions extends Omit<RegisterOptions, 'closing'> {
  logger: Logger;
  clock: Clock;
  /** Serve HTTPS with this certificate chain and key (PEM files). */
  tls?: { certFile: string; keyFile: string } | undefined;
  /** Proxies whose `X-Forwarded-For` is believed; nobody's when not given. */
  isTrustedProxy?: IsTrusted;
  slowBodies?: SlowBodyLimits;
  /** From the start of a connection or a request to the end of its headers, and how often all of them are looked at. */
  slowHeaders?: { headersTimeout: number; connectionsCheckingInterval: number };
}

/** The HTTP boundary: one server, every route of the table, one error handler. */
export interface Http {
  /** For `inject` in tests and for routes outside the table, which are added before `listen`. */
  readonly app: FastifyInstance;
  readonly server: Server;
  /** Aborts when closing begins. */
  readonly closing: AbortSignal;
  /** Listens and gives the address, as a URL. */
  listen(at: { host: string; port: number }): Promise<string>;
  /** Stops taking requests, ends what only waits, and lets the others finish for `graceMs`. */
  close(graceMs?: number): Promise<void>;
}

/** After an answer, the rest of a body that nobody wants is read for so long, so that the client sees the answer. */
const LINGER_MS = 2_000;
const SLOW_HEADERS = { headersTimeout: 20_000, connectionsCheckingInterval: 5_000 };
/** Longer than proxies usually keep their side open, so that the server is never the one that closes under a request. */
const KEEP_ALIVE_MS = 72_000;

/** Builds the boundary without listening yet. */
export function createHttp(options: HttpOptions): Http {
  const { logger, clock, tls } = options;
  const closing = new AbortController();
  const slowBodies = createSlowBodyWatch(options.slowBodies ?? SLOW_BODY_LIMITS, clock.now);
  const unfinished = new WeakMap<Duplex, ServerResponse>();
  const app = createApp(options, (socket) => unfinished.get(socket));

  addHooks(app, { closing: closing.signal, slowBodies, unfinished, isSecure: tls !== undefined });
  addErrorHandler(app, logger);
  addNotFound(app);
  registerRoutes(app, { ...options, closing: closing.signal });

  async function close(graceMs = 10_000): Promise<void> {
    closing.abort(new AppError('unavailable', 'The server is shutting down.'));
    slowBodies.close();
    const timer = setTimeout(() => app.server.closeAllConnections(), graceMs);
    await app.close();
    clearTimeout(timer);
  }
  return {
    app,
    server: app.server,
    closing: closing.signal,
    listen: (at) => app.listen(at).catch((error: unknown) => explainListen(error, at)),
    close,
  };
}

type FindUnfinished = (socket: Duplex) => ServerResponse | undefined;

function createApp(options: HttpOptions, findUnfinished: FindUnfinished): FastifyInstance {
  const { tls, isTrustedProxy, logger, slowHeaders = SLOW_HEADERS } = options;
  // Only WebSockets are upgraded to; whoever offers something else, such as HTTP/2, is answered as if he had not.
  const limits = { ...slowHeaders, shouldUpgradeCallback: isWebSocket };
  const listener = tls
    ? { https: { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile), ...limits } }
    : { http: limits };
  const app = fastify({
    // The types tell a TLS server's instance from a plain one's; nothing here depends on which it is.
    ...(listener as { http: typeof limits }),
    trustProxy: isTrustedProxy ?? false,
    genReqId: () => newId('req'),
    // Ids and names in paths are checked by their schemas; what is longer than this is simply not there.
    routerOptions: { maxParamLength: 1_024 },
    keepAliveTimeout: KEEP_ALIVE_MS,
    return503OnClosing: false,
    clientErrorHandler: createClientErrorHandler(findUnfinished),
    // An address that cannot be decoded comes past no hook.
    frameworkErrors(error, request, reply) {
      setHeaders(reply, request.id, tls !== undefined);
      refuse(error, request, reply as unknown as FastifyReply, logger);
    },
  });
  // A server may ignore expectations that it does not know (RFC 9110, 10.1.1); by itself Node answers them without a word.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  return app;
}

const isWebSocket = ({ headers }: IncomingMessage): boolean => headers.upgrade?.toLowerCase() === 'websocket';

const LISTEN_TROUBLE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something else listens there already; stop it, or choose another listen.port (GROUNDCREW_LISTEN_PORT)',
  EACCES: 'this user may not use that port; choose one above 1023',
  EADDRNOTAVAIL: 'this machine does not have that address; set listen.host (GROUNDCREW_LISTEN_HOST)',
};

/** Says in a sentence why nobody can listen there. */
export function explainListen(cause: unknown, { host, port }: { host: string; port: number }): never {
  const trouble = LISTEN_TROUBLE[(cause as NodeJS.ErrnoException).code ?? ''];
  if (trouble === undefined) throw cause;
  throw new Error(`The server cannot listen on ${host}:${port}: ${trouble}.`, { cause });
}

interface HookOptions {
  closing: AbortSignal;
  slowBodies: SlowBodyWatch;
  /** The answer that a connection still waits for. */
  unfinished: WeakMap<Duplex, ServerResponse>;
  isSecure: boolean;
}

function addHooks(app: FastifyInstance, { closing, slowBodies, unfinished, isSecure }: HookOptions): void {
  app.addHook('onRequest', (request, reply, done) => {
    setHeaders(reply, request.id, isSecure);
    unfinished.set(request.raw.socket, reply.raw);
    if (hasBody(request.raw)) slowBodies.watch(request.raw, reply.raw, request.id);
    // Probes are told how it goes to the very end.
    const refused = closing.aborted && !request.url.startsWith('/health/');
    done(refused ? new AppError('unavailable', 'The server is shutting down; come back in a moment.') : undefined);
  });
  app.addHook('onResponse', (request, reply, done) => {
    if (unfinished.get(request.raw.socket) === reply.raw) unfinished.delete(request.raw.socket);
    lingerOver(request.raw);
    done();
  });
}

/** What every answer says. */
function setHeaders(reply: Pick<FastifyReply, 'raw'>, requestId: string, isSecure: boolean): void {
  reply.raw.setHeader('x-request-id', requestId);
  for (const [name, value] of isSecure ? SECURE_HEADERS : HEADERS) reply.raw.setHeader(name, value);
}

/** Answers hold secrets and are no pages: they are neither kept by caches nor shown in frames. */
const HEADERS: readonly (readonly [string, string])[] = [
  ['x-content-type-options', 'nosniff'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['referrer-policy', 'no-referrer'],
  ['cache-control', 'no-store'],
];
const SECURE_HEADERS = [...HEADERS, ['strict-transport-security', 'max-age=31536000'] as const];

/**
 * Reads on over what is left of a body after the answer. Closing at once would make the kernel reset the connection, and the
 * client would never see why it was refused.
 */
function lingerOver(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  request.resume();
  const timer = setTimeout(() => request.destroy(), LINGER_MS);
  request.once('close', () => clearTimeout(timer));
}

function addErrorHandler(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler((error: NodeJS.ErrnoException, request, reply) => refuse(error, request, reply, logger));
}

/** The one place where an error becomes an answer. */
function refuse(
  error: NodeJS.ErrnoException,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
): FastifyReply {
  const isTooLarge = error.code === 'FST_ERR_CTP_BODY_TOO_LARGE';
  const answer = toErrorAnswer(isTooLarge ? tooLarge(request.routeOptions.bodyLimit ?? 0) : error, request.id);
  if (answer.isFault)
    logger.error(
      { err: error, request_id: request.id, method: request.method, route: request.routeOptions.url },
      'a request failed',
    );
  // The framework asks for a close after a body it did not read; lingering does that better.
  reply.removeHeader('connection');
  return reply
    .code(answer.status)
    .headers(answer.headers)
    .header('content-type', 'application/json; charset=utf-8')
    .send(JSON.stringify(answer.body));
}
