import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface Seen {
  method: string;
  path: string;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
  /** Which TCP connection it came over, counted from 1. */
  connection: number;
}

type Reply = (response: http.ServerResponse, seen: Seen) => void;

export interface FakeServer {
  url: string;
  seen: Seen[];
  connections(): number;
  close(): Promise<void>;
  server: http.Server;
}

/** A real HTTP server on loopback that answers the n-th request with the n-th reply, the last one from then on. */
export async function startFakeServer(...replies: Reply[]): Promise<FakeServer> {
  const seen: Seen[] = [];
  const sockets = new Map<Socket, number>();
  let connections = 0;
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = '', url = '', headers, socket } = request;
    const entry = { method, path: url, headers, body: Buffer.concat(chunks), connection: sockets.get(socket) ?? 0 };
    seen.push(entry);
    (replies[seen.length - 1] ?? replies.at(-1))?.(response, entry);
  });
  server.on('connection', (socket) => {
    connections += 1;
    sockets.set(socket, connections);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    server,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export const replyJson =
  (value: unknown, status = 200): Reply =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };

export const replyRefusal =
  (status: number, code: string, more: { retryAfter?: string; details?: unknown } = {}): Reply =>
  (response) => {
    response.writeHead(status, {
      'content-type': 'application/json',
      ...(more.retryAfter ? { 'retry-after': more.retryAfter } : {}),
    });
    response.end(JSON.stringify({ error: `Refused as ${code}.`, code, details: more.details, request_id: 'req-1' }));
  };

export const replyNothing: Reply = (response) => {
  response.writeHead(204);
  response.end();
};

/** Cuts the connection without an answer. */
export const cut: Reply = (response) => void response.socket?.destroy();
