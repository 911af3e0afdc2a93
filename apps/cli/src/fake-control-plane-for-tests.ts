import http from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  API_PREFIX,
  ERROR_CODES,
  type ErrorCode,
  type RouteAnswer,
  type RouteName,
  type RouteParsed,
  type RouteSpec,
  type Routes,
  routes,
  SOCKETS,
  ViewerFrame,
} from '@groundcrew/protocol';
import { type WebSocket, WebSocketServer } from 'ws';

type Input<N extends RouteName> = RouteParsed<Routes[N]> & { raw: Buffer };
type Answer<N extends RouteName> = Routes[N] extends { readonly rawAnswer: string } ? Buffer : RouteAnswer<Routes[N]>;
export type FakeHandlers = { [N in RouteName]?: (input: Input<N>) => Answer<N> | Promise<Answer<N>> };

/** Thrown by a handler to refuse a call. */
export class FakeRefusal extends Error {
  readonly code: ErrorCode;
  readonly details: unknown;
  constructor(code: ErrorCode, message: string, details?: unknown) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

export interface FakeControlPlane {
  url: string;
  /** Calls in order: name and what came, validated. */
  calls: { name: RouteName; input: Input<RouteName>; headers: http.IncomingHttpHeaders }[];
  callsOf<N extends RouteName>(name: N): Input<N>[];
  close(): Promise<void>;
}

export interface FakeOptions {
  handlers: FakeHandlers;
  /** Serves a viewer of a log. */
  serveLog?: (
    send: (frame: ViewerFrame) => void,
    query: Record<string, string>,
    socket: WebSocket,
  ) => void | Promise<void>;
  /** What a caller must bring; `gct_test` when not given. */
  token?: string;
}

/**
 * The far side of the wire, true to the protocol: every request is read by the route table's schemas as the server reads it, and
 * every answer must be one that the server could give.
 */
export async function startFakeControlPlane(options: FakeOptions): Promise<FakeControlPlane> {
  const calls: FakeControlPlane['calls'] = [];
  const server = http.createServer(async (request, response) => {
    try {
      await answer(request, response, options, calls);
    } catch (error) {
      refuse(response, error);
    }
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, request) => {
    const url = new URL(request.url ?? '', 'http://x');
    if (url.pathname !== SOCKETS.viewerLogs) return socket.close();
    const send = (frame: ViewerFrame) => socket.send(JSON.stringify(ViewerFrame.parse(frame)));
    void options.serveLog?.(send, Object.fromEntries(url.searchParams), socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    callsOf: (name) => calls.filter((call) => call.name === name).map((call) => call.input as never),
    async close() {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  { handlers, token = 'gct_test' }: FakeOptions,
  calls: FakeControlPlane['calls'],
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
  const { name, params } = findRoute(request.method ?? '', pathname);
  const spec: RouteSpec = routes[name];
  if (spec.access.who !== 'anybody' && request.headers.authorization !== `Bearer ${token}`)
    throw new FakeRefusal('unauthenticated', 'The token is not valid.');
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const raw = Buffer.concat(chunks);
  const isJson = request.headers['content-type'] === 'application/json';
  const input = {
    params: spec.params?.parse(params),
    query: spec.query?.parse(Object.fromEntries(searchParams)),
    headers: spec.headers?.parse(request.headers),
    body: isJson ? spec.body?.parse(JSON.parse(raw.toString())) : undefined,
    raw,
  } as Input<RouteName>;
  calls.push({ name, input, headers: request.headers });
  const handler = handlers[name] as ((given: Input<RouteName>) => unknown) | undefined;
  if (handler === undefined) throw new FakeRefusal('not_implemented', `The test has no handler for ${name}.`);
  send(response, spec, await handler(input));
}

function send(response: http.ServerResponse, spec: RouteSpec, value: unknown): void {
  if (spec.rawAnswer !== undefined) {
    response.writeHead(200, { 'content-type': spec.rawAnswer });
    response.end(value as Buffer);
  } else if (spec.answer === undefined) {
    response.writeHead(204);
    response.end();
  } else {
    response.writeHead(spec.status ?? 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(spec.answer.parse(value)));
  }
}

function refuse(response: http.ServerResponse, error: unknown): void {
  const refusal = error instanceof FakeRefusal ? error : new FakeRefusal('invalid_request', String(error));
  response.writeHead(ERROR_CODES[refusal.code].status, { 'content-type': 'application/json' });
  response.end(
    JSON.stringify({ error: refusal.message, code: refusal.code, details: refusal.details, request_id: 'req-1' }),
  );
}

/** Fixed paths win over parameters, as in any router. */
function findRoute(method: string, pathname: string): { name: RouteName; params: Record<string, string> } {
  const found = Object.entries(routes as Record<string, RouteSpec>)
    .filter(([, spec]) => spec.method === method)
    .map(([name, spec]) => ({
      name: name as RouteName,
      path: spec.path,
      params: matchPath(`${API_PREFIX}${spec.path}`, pathname),
    }))
    .filter((entry) => entry.params !== undefined)
    .sort((a, b) => a.path.split(':').length - b.path.split(':').length)[0];
  if (found?.params === undefined) throw new FakeRefusal('not_found', `There is no route ${method} ${pathname}.`);
  return { name: found.name, params: found.params };
}

function matchPath(pattern: string, pathname: string): Record<string, string> | undefined {
  const expression = new RegExp(`^${pattern.replace(/:([a-z_]+)/g, '(?<$1>[^/]+)')}$`);
  const groups = expression.exec(pathname)?.groups;
  if (!expression.test(pathname)) return undefined;
  return Object.fromEntries(Object.entries(groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]));
}
