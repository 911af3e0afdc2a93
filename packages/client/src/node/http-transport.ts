import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { pipeline, Readable } from 'node:stream';
import { getCACertificates } from 'node:tls';
import { ConnectionError } from '../api-error.ts';
import { checkBaseUrl } from '../check-url.ts';
import type { Transport, TransportAnswer, TransportRequest } from '../transport.ts';
import { explainNoAnswer } from './explain-no-answer.ts';

export interface HttpTransportOptions {
  /** PEM file of certificate authorities to trust beside the usual ones. */
  caFile?: string;
  /** Accept plain http to another host. */
  allowInsecure?: boolean;
  /** Open connections at once; 64 when not given. */
  maxSockets?: number;
}

/** A transport on `node:http(s)` that keeps connections alive and sends without waiting for more (no Nagle delay). */
export function createHttpTransport(options: HttpTransportOptions = {}): Transport {
  const shared = { keepAlive: true, noDelay: true, maxSockets: options.maxSockets ?? 64, scheduling: 'lifo' } as const;
  const tls = trusting(options.caFile);
  // Made when it is needed: TLS costs 3 MB, and few speak both ways.
  let plain: http.Agent | undefined;
  let secure: https.Agent | undefined;

  function carrierOf(url: string): Carrier {
    if (url.startsWith('https:')) {
      secure ??= new https.Agent({ ...shared, ...tls });
      return { lib: https, agent: secure };
    }
    checkBaseUrl(url, options.allowInsecure);
    plain ??= new http.Agent(shared);
    return { lib: http, agent: plain };
  }

  return {
    send: (request) => sendOnce(request, carrierOf(request.url)),
    close() {
      plain?.destroy();
      secure?.destroy();
    },
  };
}

/** The usual authorities (NODE_EXTRA_CA_CERTS included) and what stands in the file: authorities, or the server's certificate itself. */
export function trusting(caFile: string | undefined): { ca?: string[]; allowPartialTrustChain?: boolean } {
  if (caFile === undefined || caFile === '') return {};
  return { ca: [...getCACertificates('default'), readFileSync(caFile, 'utf8')], allowPartialTrustChain: true };
}

interface Carrier {
  lib: typeof http | typeof https;
  agent: http.Agent | https.Agent;
}

function sendOnce(
  { url, method, headers, body, signal }: TransportRequest,
  { lib, agent }: Carrier,
): Promise<TransportAnswer> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const request = lib.request(url, { method, headers, agent });
    const wasSent = watchSent(request);
    const onAbort = () => request.destroy(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    request.once('close', () => signal.removeEventListener('abort', onAbort));
    request.once('response', (response) => resolve(toAnswer(response, url, signal)));
    // Stays on after the answer has begun: a later reset is told by the response, and must not end the process here.
    request.on('error', (error) => reject(signal.aborted ? signal.reason : explainNoAnswer(error, url, wasSent())));
    if (body === undefined || body instanceof Uint8Array) request.end(body);
    else sendStream(body.open(), request);
  });
}

function sendStream(body: AsyncIterable<Uint8Array>, request: http.ClientRequest): void {
  const source = body instanceof Readable ? body : Readable.from(body, { objectMode: false });
  // The server may answer (413, 401) before it has read everything; then the answer counts and not the broken pipe.
  request.once('response', () => {
    if (!request.writableEnded) source.destroy();
  });
  pipeline(source, request, () => {});
}

/** Tells whether bytes of the request may have left: from the moment its connection stands. */
function watchSent(request: http.ClientRequest): () => boolean {
  let sent = false;
  request.once('socket', (socket) => {
    if (!socket.connecting) sent = true;
    else
      socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => {
        sent = true;
      });
  });
  return () => sent;
}

function toAnswer(response: http.IncomingMessage, url: string, signal: AbortSignal): TransportAnswer {
  const translate = (error: unknown): unknown => (signal.aborted ? signal.reason : explainNoAnswer(error, url, true));
  async function* stream(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of response) yield chunk as Buffer;
    } catch (error) {
      throw translate(error);
    }
    if (!response.complete)
      throw new ConnectionError(`The answer of ${new URL(url).origin} broke off.`, { maybeSent: true });
  }
  return {
    status: response.statusCode ?? 0,
    header: (name) => [response.headers[name]].flat()[0],
    async bytes() {
      const chunks: Uint8Array[] = [];
      for await (const chunk of stream()) chunks.push(chunk);
      return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
    },
    stream,
    cancel: () => void response.destroy(),
  };
}
