import type { IncomingHttpHeaders, IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Clock, type Logger, newId } from '@groundcrew/kit';
import { SOCKETS } from '@groundcrew/protocol';
import type { FastifyInstance } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import type { z } from 'zod';
import {
  AppError,
  type ClientAddress,
  type Credential,
  findBearer,
  findCredential,
  parseInput,
  refuseForeignPage,
  toErrorAnswer,
  writeErrorAnswer,
} from '../http/index.ts';
import { type Connection, createConnection, type OpenConnection } from './connection.ts';

/** A request to open a WebSocket, with its query checked. */
interface SocketRequest<Q> {
  /** Of `Authorization: Bearer …`; never from the URL. */
  readonly token: string | undefined;
  /** Whatever proves who it is, a browser's cookie included; that one is taken from pages of this server only. */
  readonly credential: Credential | undefined;
  readonly query: Q;
  readonly headers: IncomingHttpHeaders;
  readonly address: string;
  readonly requestId: string;
}

/** One WebSocket of the server. @internal */
export interface SocketSpec<Q, C> {
  /** Mistakes are told as `invalid_request`. */
  readonly query?: z.ZodType<Q>;
  /** Tells who it is; throws `AppError` to refuse, which becomes an ordinary HTTP answer. */
  authenticate(request: SocketRequest<Q>): Promise<C>;
  onConnection(connection: Connection, caller: C, query: Q): void;
  /** Asked with every ping whether the caller may stay; false closes with 1008. Not asked when not given. */
  mayStay?(caller: C): Promise<boolean>;
  /** Whose rights `mayStay` depends on; `recheck` with this id asks it at once. */
  ownerOf?(caller: C): string;
  /** Largest message of the peer; 1 MiB when not given. */
  readonly maxMessageBytes?: number;
}

export interface SocketHubOptions {
  logger: Logger;
  clock: Clock;
  clientAddress: ClientAddress;
  /** Where browsers find the server, when that is not where it listens. */
  publicUrl?: string | undefined;
  /** How often every peer is asked for a sign of life; 20 s when not given. */
  pingEveryMs?: number;
  /** Silence after which a peer counts as gone; 60 s when not given. */
  silenceMs?: number;
  /** How many one credential may have open at a time; 2,048 when not given. */
  maxPerCredential?: number;
}

export interface SocketHub {
  /** Takes over the upgrades of a server; called once, before it listens. */
  attach(server: Server): void;
  /** Opens an address for WebSockets. */
  register<Q, C>(path: string, spec: SocketSpec<Q, C>): void;
  /** Asks at once whether those of an owner may stay, or of every owner when none is given. */
  recheck(owner?: string): void;
  /** How many are open. */
  readonly size: number;
  /** The same by their address, those without any included. */
  openByPath(): ReadonlyMap<string, number>;
  /** Takes no more, tells every peer that the server is going (1001), and waits a second for them to leave. */
  close(): Promise<void>;
}

interface Registered {
  path: string;
  spec: SocketSpec<unknown, unknown>;
  upgrader: WebSocketServer;
}
interface Held {
  path: string;
  socket: WebSocket;
  connection: OpenConnection;
  token: string | undefined;
  mayStay: () => Promise<boolean>;
  owner: string | undefined;
}

interface Admitted {
  query: unknown;
  caller: unknown;
  token: string | undefined;
}
interface Opening extends Admitted {
  path: string;
  spec: Registered['spec'];
  address: string;
  requestId: string;
}

const TOO_MANY_RETRY_SECONDS = 10;
const DEFAULT_MESSAGE_BYTES = 1024 * 1024;
const LEAVE_MS = 1_000;
/** Thousands of peers are asked a part at a time; whose turn it is is told by when they came. */
const TURNS = 20;
/** Must hold on to nothing: it stays as long as the socket does. */
const ignore = (): void => {};

/**
 * The WebSockets of the server, on the same port as its HTTP. Whoever is refused gets an HTTP answer like any other; after the
 * upgrade nothing but the connection writes to the socket.
 */
export function createSocketHub(options: SocketHubOptions): SocketHub {
  const { logger, clock, clientAddress, pingEveryMs = 20_000, silenceMs = 60_000, maxPerCredential = 2_048 } = options;
  const registered = new Map<string, Registered>();
  const held = new Set<Held>();
  /** How many each credential has open. */
  const counts = new Map<string | undefined, number>();
  let isClosing = false;
  const timer = setInterval(ping, Math.max(1, pingEveryMs / TURNS));
  let turn = 0;
  timer.unref();

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const requestId = newId('req');
    // Whatever becomes of the peer while we look it up is noticed below; without a listener it would end the process.
    socket.on('error', ignore);
    try {
      const { path, spec, upgrader } = findRegistered(request);
      const admitted = await admit(request, spec, requestId);
      if (socket.destroyed || isClosing) return void socket.destroy();
      upgrader.handleUpgrade(request, socket, head, (opened) =>
        hold(opened, { path, spec, ...admitted, address: addressOf(request), requestId }),
      );
    } catch (error) {
      const answer = toErrorAnswer(error, requestId);
      if (answer.isFault) logger.error({ err: error, request_id: requestId }, 'opening a WebSocket failed');
      writeErrorAnswer(socket, answer);
    }
  }

  const addressOf = (request: IncomingMessage): string =>
    clientAddress(request.socket.remoteAddress ?? '', request.headers['x-forwarded-for']);

  function findRegistered(request: IncomingMessage): Registered {
    const path = request.url?.split('?', 1)[0] ?? '';
    if (isClosing) throw new AppError('unavailable', 'The server is shutting down; come back in a moment.');
    const found = registered.get(path);
    if (found === undefined)
      throw new AppError('not_found', `There is no WebSocket at ${JSON.stringify(path.slice(0, 200))}.`);
    return found;
  }

  async function admit(request: IncomingMessage, spec: Registered['spec'], requestId: string): Promise<Admitted> {
    refuseSubprotocol(request);
    const url = new URL(request.url ?? '/', 'ws://server');
    const query =
      spec.query === undefined
        ? undefined
        : parseInput(
            { query: spec.query as z.ZodObject },
            { params: {}, query: Object.fromEntries(url.searchParams), headers: {}, body: {} },
          ).query;
    const { headers } = request;
    const credential = findCredential(headers);
    if (credential?.kind === 'session') refuseForeignPage(headers, options.publicUrl);
    const token = findBearer(headers.authorization);
    const caller = await spec.authenticate({
      token,
      credential,
      query,
      headers,
      address: addressOf(request),
      requestId,
    });
    if ((counts.get(token) ?? 0) >= maxPerCredential)
      throw new AppError(
        'rate_limited',
        `This credential has ${maxPerCredential} WebSockets open already; close some of them first.`,
        undefined,
        { retryAfterSeconds: TOO_MANY_RETRY_SECONDS },
      );
    return { query, caller, token };
  }

  function hold(socket: WebSocket, { path, spec, caller, query, token, address, requestId }: Opening): void {
    const onFault = (error: unknown) =>
      logger.error({ err: error, connection: connection.id, request_id: requestId }, 'a WebSocket handler failed');
    const connection = createConnection(socket, { id: newId('conn'), address, now: clock.now, onFault });
    const entry: Held = {
      path,
      socket,
      connection,
      token,
      mayStay: async () => (await spec.mayStay?.(caller)) ?? true,
      owner: spec.ownerOf?.(caller),
    };
    held.add(entry);
    counts.set(token, (counts.get(token) ?? 0) + 1);
    socket.on('message', connection.heard);
    socket.on('pong', connection.heard);
    socket.on('ping', connection.heard);
    socket.once('close', () => letGo(entry));
    try {
      spec.onConnection(connection, caller, query);
    } catch (error) {
      onFault(error);
      connection.close(1011, 'The server failed at this; connect again.');
    }
  }

  function letGo(entry: Held): void {
    if (!held.delete(entry)) return;
    const left = (counts.get(entry.token) ?? 1) - 1;
    if (left > 0) counts.set(entry.token, left);
    else counts.delete(entry.token);
  }

  /** One timer for all: asks everybody in turns for a sign of life, and lets go of who has been silent for too long. */
  function ping(): void {
    turn = (turn + 1) % TURNS;
    for (const entry of held) {
      if (entry.connection.openedAt.getTime() % TURNS !== turn) continue;
      if (clock.now() - entry.connection.lastHeardAt.getTime() > silenceMs) entry.socket.terminate();
      else {
        entry.socket.ping();
        void dismissUnlessWelcome(entry);
      }
    }
  }

  async function dismissUnlessWelcome({ connection, mayStay }: Held): Promise<void> {
    // Trouble with the database is no reason to turn anybody away.
    if (!(await mayStay().catch(() => true)))
      connection.close(1008, 'The credential is no longer valid; sign on again.');
  }

  function recheck(owner?: string): void {
    for (const entry of held)
      if (entry.owner !== undefined && (owner === undefined || owner === entry.owner)) void dismissUnlessWelcome(entry);
  }

  async function close(): Promise<void> {
    isClosing = true;
    clearInterval(timer);
    const left = [...held].map(({ socket }) => new Promise<void>((resolve) => socket.once('close', () => resolve())));
    for (const { connection } of held)
      connection.close(1001, 'The server is shutting down; connect again in a moment.');
    const late = setTimeout(() => {
      for (const { socket } of held) socket.terminate();
    }, LEAVE_MS);
    await Promise.all(left);
    clearTimeout(late);
  }

  return {
    attach: (server) => void server.on('upgrade', (request, socket, head) => void upgrade(request, socket, head)),
    register(path, spec) {
      if (registered.has(path))
        throw new Error(`The WebSocket ${path} is registered twice; remove one of them from the composition.`);
      const upgrader = new WebSocketServer({
        noServer: true,
        perMessageDeflate: false,
        maxPayload: spec.maxMessageBytes ?? DEFAULT_MESSAGE_BYTES,
      });
      upgrader.on('wsClientError', answerBadHandshake);
      registered.set(path, { path, spec: spec as Registered['spec'], upgrader });
    },
    recheck,
    get size() {
      return held.size;
    },
    openByPath() {
      const open = new Map([...registered.keys()].map((path) => [path, 0]));
      for (const { path } of held) open.set(path, (open.get(path) ?? 0) + 1);
      return open;
    },
    close,
  };
}

/** None is spoken here, and to take one up would promise something that nobody keeps. */
function refuseSubprotocol({ headers }: IncomingMessage): void {
  const asked = headers['sec-websocket-protocol'];
  if (asked === undefined) return;
  throw new AppError(
    'invalid_request',
    `This WebSocket speaks no subprotocol, such as ${JSON.stringify(asked.slice(0, 100))}; leave Sec-WebSocket-Protocol out.`,
  );
}

function answerBadHandshake(error: Error, socket: Duplex): void {
  const sentence = `This is not a well-formed WebSocket handshake (${error.message.slice(0, 200)}).`;
  writeErrorAnswer(socket, toErrorAnswer(new AppError('invalid_request', sentence), newId('req')));
}

/** Tells whoever opens one of the WebSockets as a plain page what it is. */
export function addSocketHints(app: FastifyInstance): void {
  for (const path of Object.values(SOCKETS)) {
    app.get(path, () => {
      throw new AppError('invalid_request', `${path} is a WebSocket; open it with one.`);
    });
  }
}
