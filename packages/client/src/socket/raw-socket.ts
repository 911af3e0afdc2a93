import type { ApiError } from '../api-error.ts';

/** How a WebSocket ended, or why it never opened. */
export interface SocketEnd {
  /** In words, for a log line. */
  reason: string;
  /** The server answered the upgrade with a refusal. */
  refusal?: ApiError;
}

export interface RawSocketEvents {
  onOpen(): void;
  onMessage(text: string): void;
  /** A sign of life that is no message. */
  onAlive(): void;
  /** Exactly once, whatever happens. */
  onEnd(end: SocketEnd): void;
}

/** One WebSocket connection of whatever platform. */
export interface RawSocket {
  /** @param done called once the text is out of our hands, or with an error; either way the next one may follow */
  send(text: string, done: () => void): void;
  /** Asks the far side for a sign of life, where the platform can. */
  ping?(): void;
  /** Stops and resumes reading, where the platform can. */
  pause?(): void;
  resume?(): void;
  /** Ends politely; `onEnd` follows. */
  close(): void;
  /** Ends at once; `onEnd` follows. */
  terminate(): void;
}

/** Begins to connect; everything else is told through the events. The token travels in a header, never in the URL. */
export type SocketFactory = (url: string, token: string | undefined, events: RawSocketEvents) => RawSocket;
