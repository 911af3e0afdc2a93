import { rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { type Logger, onLine } from '@groundcrew/kit';
import { type FromRunner, ToRunner } from '@groundcrew/protocol';

/** The folder's socket: here the agent attaches, and attaches again after its death. JSON, one document a line. */
export interface Link {
  /** Tells everybody who is attached; lost when nobody is. */
  send(message: FromRunner): void;
  /** Resolves once everybody who is attached has everything that was sent, and the socket is gone. */
  close(): Promise<void>;
  /** How many are attached. */
  readonly attached: number;
}

export interface LinkOptions {
  path: string;
  /** What a newcomer is told first. */
  greet: () => FromRunner[];
  onMessage: (message: ToRunner) => void;
  onAttached: () => void;
  onDetached: () => void;
  logger: Logger;
}

/** Listens in the folder. The caller holds the folder's lock, so a socket that is there already is a dead runner's. */
export async function openLink({ path, greet, onMessage, onAttached, onDetached, logger }: LinkOptions): Promise<Link> {
  await rm(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    onAttached();
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      sockets.delete(socket);
      onDetached();
    });
    onLine(socket, (line) => {
      const message = findMessage(line);
      if (message === undefined) logger.warn('the agent said something that is not understood');
      else onMessage(message);
    });
    for (const message of greet()) write(socket, message);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, resolve);
  });
  return {
    send(message) {
      const isPassing = message.type === 'progress';
      for (const socket of sockets) if (!isPassing || socket.writableLength < MAX_UNREAD_BYTES) write(socket, message);
    },
    get attached() {
      return sockets.size;
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.end();
      // An agent that is stopped or stuck must not keep a runner that has nothing left to do.
      const timer = setTimeout(() => [...sockets].map((socket) => socket.destroy()), CLOSE_WITHIN_MS);
      await closed;
      clearTimeout(timer);
    },
  };
}

const CLOSE_WITHIN_MS = 1_000;
/** An agent that does not read must not fill our memory with news that will be old when it does. */
const MAX_UNREAD_BYTES = 1 << 20;

const write = (socket: Socket, message: FromRunner): void => {
  socket.write(`${JSON.stringify(message)}\n`);
};

function findMessage(line: string): ToRunner | undefined {
  try {
    return ToRunner.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
