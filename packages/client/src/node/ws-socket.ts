import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { readRefusal } from '../api-error.ts';
import { checkBaseUrl } from '../check-url.ts';
import type { RawSocket, RawSocketEvents, SocketFactory } from '../socket/raw-socket.ts';
import { explainNoAnswer } from './explain-no-answer.ts';
import { trusting } from './http-transport.ts';

export interface WsSocketOptions {
  /** PEM file of certificate authorities to trust beside the usual ones. */
  caFile?: string;
  /** Accept plain ws to another host. */
  allowInsecure?: boolean;
  userAgent?: string;
  /** Largest message taken, in bytes; 16 MiB when not given. */
  maxMessageBytes?: number;
}

const HANDSHAKE_MS = 10_000;
const REFUSAL_BYTES = 64 * 1024;

/** WebSockets on `ws`, without compression: our messages are small, or compressed where it pays. */
export function createWsSocketFactory(options: WsSocketOptions = {}): SocketFactory {
  const tls = trusting(options.caFile);
  return (url, token, events) => {
    checkBaseUrl(url.replace(/^ws/, 'http').replace(/\?.*$/, ''), options.allowInsecure);
    const headers = {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(options.userAgent === undefined ? {} : { 'user-agent': options.userAgent }),
    };
    const maxPayload = options.maxMessageBytes ?? 16 * 1024 * 1024;
    const common = { perMessageDeflate: false, followRedirects: false, handshakeTimeout: HANDSHAKE_MS };
    return wire(new WebSocket(url, { ...common, ...tls, headers, maxPayload }), url, events);
  };
}

function wire(socket: WebSocket, url: string, events: RawSocketEvents): RawSocket {
  const end = once(events.onEnd);
  let trouble: string | undefined;
  socket.on('open', events.onOpen);
  socket.on('message', (data) => events.onMessage(data.toString()));
  socket.on('ping', events.onAlive);
  socket.on('pong', events.onAlive);
  socket.on('error', (error) => {
    trouble = explainNoAnswer(error, url, true).message;
  });
  socket.on('close', (code, reason) => end({ reason: trouble ?? (reason.toString() || `closed with code ${code}`) }));
  socket.on('unexpected-response', (request, response) => {
    void readText(response).then((body) => {
      const retryAfter = [response.headers['retry-after']].flat()[0];
      const refusal = readRefusal(response.statusCode ?? 0, body, retryAfter, new URL(url).origin);
      end({ reason: refusal.message, refusal });
      request.destroy();
    });
  });
  return {
    send: (text, done) => socket.send(text, () => done()),
    ping: () => {
      if (socket.readyState === WebSocket.OPEN) socket.ping();
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: () => socket.close(1000),
    terminate: () => socket.terminate(),
  };
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response) {
      size += (chunk as Buffer).length;
      if (size > REFUSAL_BYTES) break;
      chunks.push(chunk as Buffer);
    }
  } catch {
    // What did arrive says enough.
  }
  return Buffer.concat(chunks).toString();
}

function once<T>(fn: (value: T) => void): (value: T) => void {
  let called = false;
  return (value) => {
    if (called) return;
    called = true;
    fn(value);
  };
}
