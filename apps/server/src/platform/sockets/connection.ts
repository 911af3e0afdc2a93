import { WebSocket } from 'ws';
import { toCloseReason } from './close-reason.ts';

/** One open WebSocket. All that is written to it goes through `send` and `sendPaced`, in order. */
export interface Connection {
  readonly id: string;
  /** Where the peer is; behind a trusted proxy, where that says it is. */
  readonly address: string;
  readonly openedAt: Date;
  /** When anything, a pong included, last came. */
  readonly lastHeardAt: Date;
  /** Bytes taken by `send` that have not left this process. */
  readonly unsentBytes: number;
  /** Aborts when the connection is gone. */
  readonly signal: AbortSignal;
  /** Queues a message. False, and nothing queued, when the peer is gone or is so slow that the queue is full. Never waits, never throws. */
  send(text: string): boolean;
  /** Queues a message and resolves once the peer can take more; false when it is gone. Whoever waits for it never fills the queue. */
  sendPaced(text: string): Promise<boolean>;
  /** Takes text messages, one after the other: the next one waits until the handler is done with this one. */
  onMessage(handler: (text: string) => Promise<void> | void): void;
  onClose(handler: () => void): void;
  /** Closes with a WebSocket code and a sentence that the peer can show. */
  close(code: number, sentence: string): void;
}

export interface ConnectionOptions {
  id: string;
  address: string;
  now: () => number;
  /** A handler threw; the connection is closed with 1011 after this. */
  onFault: (error: unknown) => void;
}

/** More than this unsent, and `send` refuses. */
const FULL_BYTES = 4 * 1024 * 1024;
/** Up to this much unsent, `sendPaced` does not wait. */
const PACED_BYTES = 256 * 1024;
/** So many messages may wait for a slow handler before the peer is made to wait. */
const INBOX_MESSAGES = 64;

/** What the hub sees of a connection besides. */
export interface OpenConnection extends Connection {
  heard(): void;
}

/** Wraps an accepted socket. */
export function createConnection(socket: WebSocket, { id, address, now, onFault }: ConnectionOptions): OpenConnection {
  const gone = new AbortController();
  const openedAt = new Date(now());
  let lastHeardAt = openedAt;
  let unsentBytes = 0;
  let drained = Promise.withResolvers<void>();

  const isOpen = (): boolean => socket.readyState === WebSocket.OPEN;
  const wakePaced = (): void => {
    drained.resolve();
    drained = Promise.withResolvers<void>();
  };

  function send(text: string): boolean {
    if (!isOpen() || unsentBytes > FULL_BYTES) return false;
    const bytes = Buffer.byteLength(text);
    unsentBytes += bytes;
    socket.send(text, () => {
      unsentBytes -= bytes;
      if (unsentBytes <= PACED_BYTES) wakePaced();
    });
    return true;
  }

  async function sendPaced(text: string): Promise<boolean> {
    while (isOpen() && unsentBytes > PACED_BYTES) await drained.promise;
    return send(text);
  }

  socket.on('close', () => {
    gone.abort();
    wakePaced();
  });
  // The close that follows says all there is to say.
  socket.on('error', () => {});

  const connection: OpenConnection = {
    id,
    address,
    openedAt,
    get lastHeardAt() {
      return lastHeardAt;
    },
    get unsentBytes() {
      return unsentBytes;
    },
    signal: gone.signal,
    send,
    sendPaced,
    onMessage: (handler) => takeInTurn(socket, handler, onFault),
    onClose: (handler) => void socket.once('close', handler),
    close: (code, sentence) => socket.close(code, toCloseReason(sentence)),
    heard() {
      lastHeardAt = new Date(now());
    },
  };
  return connection;
}

/** Hands messages to the handler one by one; a peer that sends faster than that is slowed by not being read. */
function takeInTurn(
  socket: WebSocket,
  handler: (text: string) => Promise<void> | void,
  onFault: (error: unknown) => void,
): void {
  const inbox: string[] = [];
  let busy = false;
  /** Once we have said goodbye, nothing more is taken: the peer may be one that has just lost its right to speak. */
  const isOpen = (): boolean => socket.readyState === WebSocket.OPEN;

  async function drain(): Promise<void> {
    if (busy) return;
    busy = true;
    try {
      for (let text = inbox.shift(); text !== undefined && isOpen(); text = inbox.shift()) {
        if (inbox.length < INBOX_MESSAGES && socket.isPaused) socket.resume();
        await handler(text);
      }
    } catch (error) {
      inbox.length = 0;
      onFault(error);
      socket.close(1011, 'The server failed at this; connect again.');
    } finally {
      busy = false;
    }
  }

  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (!isOpen()) return;
    if (isBinary) return socket.close(1003, 'This socket takes text messages.');
    inbox.push(data.toString('utf8'));
    if (inbox.length >= INBOX_MESSAGES) socket.pause();
    void drain();
  });
}
