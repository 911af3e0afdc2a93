import { type Clock, type Random, retry, systemClock, systemRandom } from '@groundcrew/kit/isomorphic';
import { addresses, type RouteAddress, type RouteName, type RouteSpec } from '@groundcrew/protocol';
import { ApiError, ConnectionError, readRefusal } from './api-error.ts';
import { buildRequest, type LooseInput, queryText } from './build-request.ts';
import { checkBaseUrl } from './check-url.ts';
import { decideRetry, mayTryAgain, type RetryFigures } from './retry-policy.ts';
import type { CallAnswer, CallArguments, CallOptions, RawAnswer } from './route-call.ts';
import { openSocket, type Socket, type SocketOptions } from './socket/open-socket.ts';
import type { SocketFactory } from './socket/raw-socket.ts';
import { resolveToken, type TokenSource } from './token-source.ts';
import type { Transport, TransportAnswer } from './transport.ts';

export interface ClientOptions {
  /** Where the server is, such as `https://groundcrew.example.com`; a path in front of `/api/v1` is kept. */
  baseUrl: string;
  token?: TokenSource;
  transport: Transport;
  /** Sent as `User-Agent` where the transport may. */
  userAgent?: string;
  retry?: RetryFigures;
  /** Makes an `Idempotency-Key` for every POST that has none, so that it may be retried. */
  newIdempotencyKey?: () => string;
  /** The protocol's `routes`, to check every JSON answer against its schema; for tests, since it costs time and memory. */
  validate?: Readonly<Record<RouteName, RouteSpec>>;
  /** Makes WebSocket connections; without it `socket` throws. */
  connect?: SocketFactory;
  /** Accept plain http to another host. */
  allowInsecure?: boolean;
  clock?: Clock;
  random?: Random;
}

type Query = Record<string, unknown>;
export interface ClientSocketOptions<In, Out> extends Omit<SocketOptions<In, Out>, 'url' | 'token' | 'connect'> {
  /** One of the protocol's `SOCKETS`. */
  path: string;
  /** Asked anew for every connection when it is a function. */
  query?: Query | (() => Query | Promise<Query>);
}

/** The API as typed calls, named as the rows of the protocol's route table. */
export interface Client {
  readonly baseUrl: string;
  /**
   * Makes one call and gives its answer. Throws {@link ApiError} when the server refuses, {@link ConnectionError} when there is
   * no answer after all tries, the signal's reason when it aborts.
   */
  call<N extends RouteName>(name: N, ...args: CallArguments<N>): Promise<CallAnswer<N>>;
  /** The same with the answer as raw bytes, for a route that can answer in another format (`headers: {accept: 'text/plain'}`). */
  open<N extends RouteName>(name: N, ...args: CallArguments<N>): Promise<RawAnswer>;
  /** Opens one of the server's WebSockets, with this client's address and credential. */
  socket<In, Out = never>(options: ClientSocketOptions<In, Out>): Socket<Out>;
  /**
   * Opens a connection now, so that the next call finds it open; true when it worked. It lasts as long as the server keeps
   * idle connections (about a minute).
   */
  preconnect(): Promise<boolean>;
  /** Gives back idle connections. */
  close(): void;
}

const JSON_TIMEOUT_MS = 30_000;
const RAW_TIMEOUT_MS = 600_000;
const DEFAULT_FIGURES = { tries: 5, baseMs: 200, capMs: 5_000 };

/** @throws TypeError for an unusable address */
export function createClient(options: ClientOptions): Client {
  const { transport, clock = systemClock, random = systemRandom } = options;
  const baseUrl = checkBaseUrl(options.baseUrl, options.allowInsecure);
  const origin = new URL(baseUrl).origin;
  const figures = { ...DEFAULT_FIGURES, ...options.retry };

  async function exchange<T>(route: RouteAddress, input: LooseInput, call: CallOptions, reader: Reader<T>): Promise<T> {
    const given = withKey(route, call, options.newIdempotencyKey);
    const rule = decideRetry(route, given, figures.tries);
    let tries = 0;
    const once = (): Promise<T> => {
      tries += 1;
      return tryOnce(route, input, given, reader);
    };
    return retry(once, {
      clock,
      random,
      baseMs: figures.baseMs,
      capMs: figures.capMs,
      ...(given.signal ? { signal: given.signal } : {}),
      isRetryable: (error) => tries < rule.tries && mayTryAgain(error, rule),
      retryAfterMs: (error) => (error instanceof ApiError ? error.retryAfterMs : undefined),
    });
  }

  async function tryOnce<T>(route: RouteAddress, input: LooseInput, call: CallOptions, reader: Reader<T>): Promise<T> {
    const request = buildRequest(baseUrl, route, input);
    addHeaders(request.headers, call, options.userAgent, call.token ?? (await resolveToken(options.token)));
    const timeoutMs = call.timeoutMs ?? (input.raw === undefined ? JSON_TIMEOUT_MS : RAW_TIMEOUT_MS);
    return withDeadline({ timeoutMs, signal: call.signal, clock, origin }, async (ours) => {
      // A raw answer is read after the try is over, and the caller's signal must end that as well.
      const signal = reader.later && call.signal ? AbortSignal.any([ours, call.signal]) : ours;
      const answer = await transport.send({ ...request, signal });
      if (answer.status >= 200 && answer.status < 300) return reader.read(answer);
      throw readRefusal(answer.status, decoder.decode(await answer.bytes()), answer.header('retry-after'), origin);
    });
  }

  async function readJson(name: RouteName, answer: TransportAnswer): Promise<unknown> {
    const bytes = await answer.bytes();
    if (answer.status === 204 || !addresses[name].hasAnswer) return undefined;
    const value = parseJson(bytes, answer.status, origin);
    const schema = options.validate?.[name].answer;
    return schema === undefined ? value : schema.parse(value);
  }

  const jsonReader = (name: RouteName): Reader<unknown> => ({ later: false, read: (answer) => readJson(name, answer) });

  return {
    baseUrl,
    async call(name, ...[input, call = {}]) {
      const route = addresses[name];
      const reader: Reader<unknown> = route.rawAnswer === undefined ? jsonReader(name) : rawReader;
      return (await exchange(route, (input ?? {}) as LooseInput, call, reader)) as CallAnswer<typeof name>;
    },
    open: (name, ...[input, call = {}]) => exchange(addresses[name], (input ?? {}) as LooseInput, call, rawReader),
    socket({ path, query, ...more }) {
      const { connect, token } = options;
      if (connect === undefined) throw new TypeError('This client was made without a way to open WebSockets.');
      const url = async () =>
        `${baseUrl.replace(/^http/, 'ws')}${path}${queryText(await (typeof query === 'function' ? query() : query))}`;
      return openSocket({ url, token, connect, clock, random, ...more });
    },
    async preconnect() {
      try {
        await exchange(addresses.getInfo, {}, { retry: 'never', timeoutMs: 5_000 }, jsonReader('getInfo'));
        return true;
      } catch (error) {
        return error instanceof ApiError;
      }
    },
    close: () => transport.close(),
  };
}

/** What becomes of an answer that is a success; `later`: its body is read after the try is over. */
interface Reader<T> {
  later: boolean;
  read: (answer: TransportAnswer) => Promise<T>;
}

const rawReader: Reader<RawAnswer> = {
  later: true,
  read: async (answer) => Object.assign(answer, { size: sizeOf(answer) }),
};

const decoder = new TextDecoder();

const withKey = (route: RouteAddress, call: CallOptions, newKey: (() => string) | undefined): CallOptions =>
  route.method === 'POST' && call.idempotencyKey === undefined && newKey !== undefined
    ? { ...call, idempotencyKey: newKey() }
    : call;

function addHeaders(
  headers: Record<string, string>,
  call: CallOptions,
  userAgent: string | undefined,
  token: string | undefined,
): void {
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  if (userAgent !== undefined) headers['user-agent'] = userAgent;
  if (call.idempotencyKey !== undefined) headers['idempotency-key'] = call.idempotencyKey;
  for (const [name, value] of Object.entries(call.headers ?? {})) headers[name.toLowerCase()] = String(value);
}

function sizeOf(answer: TransportAnswer): number | undefined {
  const header = answer.header('content-length');
  return header === undefined ? undefined : Number(header);
}

function parseJson(bytes: Uint8Array, status: number, origin: string): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    // A success that is no JSON comes from a captive portal or a wrong address, never from our server.
    throw new ConnectionError(`${origin} answered ${status} with something that is not JSON. Check the address.`, {
      maybeSent: true,
      cause,
    });
  }
}

interface Deadline {
  timeoutMs: number;
  signal: AbortSignal | undefined;
  clock: Clock;
  origin: string;
}

const FINISHED = new Error('the try is over');

/** Runs one try with a signal of its own, which the caller's signal and the time-out abort. */
async function withDeadline<T>(
  { timeoutMs, signal, clock, origin }: Deadline,
  attempt: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const ours = new AbortController();
  const finished = new AbortController();
  const onAbort = () => ours.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  clock.sleep(timeoutMs, finished.signal).then(
    () =>
      ours.abort(
        new ConnectionError(`${origin} did not answer within ${timeoutMs / 1000} s.`, {
          maybeSent: true,
          timedOut: true,
        }),
      ),
    () => {},
  );
  try {
    return await attempt(ours.signal);
  } finally {
    finished.abort(FINISHED);
    signal?.removeEventListener('abort', onAbort);
  }
}
