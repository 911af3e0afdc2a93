import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { onLine } from '@groundcrew/kit';
import { DaemonHeartbeat } from '@groundcrew/protocol';

type Document = Record<string, unknown>;

/** How a daemon treats heartbeats: takes them, refuses them, never answers, says nonsense. */
export type Temper = 'takes' | 'refuses' | 'silent' | 'confused';

/** A daemon of the host on a Unix socket. */
export interface FakeDaemon {
  readonly path: string;
  readonly heartbeats: readonly DaemonHeartbeat[];
  temper: Temper;
  /** Calls the agent, over the connection that its last heartbeat came on; gives the answer. */
  call(method: string, params?: Document): Promise<Document>;
  close(): void;
}

export async function startFakeDaemon(path: string): Promise<FakeDaemon> {
  const heartbeats: DaemonHeartbeat[] = [];
  const answers = new Map<unknown, (document: Document) => void>();
  let latest: Socket | undefined;
  let calls = 0;
  const sockets = new Set<Socket>();

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    onLine(socket, (line) => {
      const document = JSON.parse(line) as Document;
      if (document.method !== 'heartbeat') return answers.get(document.id)?.(document);
      latest = socket;
      heartbeats.push(DaemonHeartbeat.parse(document.params));
      const reply = REPLIES[daemon.temper](document.id);
      if (reply !== undefined) socket.write(`${reply}\n`);
    });
  }).listen(path);
  await once(server, 'listening');

  const daemon: FakeDaemon = {
    path,
    heartbeats,
    temper: 'takes',
    call(method, params) {
      calls += 1;
      const id = `daemon-${calls}`;
      return new Promise((resolve) => {
        answers.set(id, resolve);
        latest?.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
      });
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
  return daemon;
}

const REPLIES: Record<Temper, (id: unknown) => string | undefined> = {
  takes: (id) => JSON.stringify({ jsonrpc: '2.0', id, result: { message: 'heartbeat received' } }),
  refuses: (id) => JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32_602, message: 'who are you' } }),
  silent: () => undefined,
  confused: () => `<html>${'x'.repeat(100_000)}`,
};
