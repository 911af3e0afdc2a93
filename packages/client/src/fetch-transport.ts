import { ConnectionError } from './api-error.ts';
import type { BodySource, Transport, TransportAnswer, TransportRequest } from './transport.ts';

/** A transport on the platform's `fetch`, for browsers. */
export function createFetchTransport(fetchImpl: typeof fetch = fetch): Transport {
  return {
    async send(request: TransportRequest): Promise<TransportAnswer> {
      const { url, method, signal, body } = request;
      const headers = withoutForbidden(request.headers);
      try {
        const init = { method, headers, signal, redirect: 'manual' } satisfies RequestInit;
        return toAnswer(await fetchImpl(url, body === undefined ? init : { ...init, ...streamable(body) }), url);
      } catch (error) {
        throw translate(error, url, signal);
      }
    },
    close: () => {},
  };
}

/** Browsers set these themselves and complain when somebody else does. */
function withoutForbidden(headers: Record<string, string>): Record<string, string> {
  const { 'content-length': _length, 'user-agent': _agent, ...rest } = headers;
  return rest;
}

function streamable(body: Uint8Array | BodySource): Pick<RequestInit, 'body' | 'duplex'> {
  if (body instanceof Uint8Array) return { body: body as Uint8Array<ArrayBuffer> };
  return { body: ReadableStream.from(body.open()), duplex: 'half' };
}

function toAnswer(response: Response, url: string): TransportAnswer {
  const read = async <T>(reading: Promise<T>): Promise<T> => {
    try {
      return await reading;
    } catch (error) {
      throw translate(error, url);
    }
  };
  return {
    status: response.status,
    header: (name) => response.headers.get(name) ?? undefined,
    bytes: () => read(response.arrayBuffer().then((buffer) => new Uint8Array(buffer))),
    async *stream() {
      const reader = response.body?.getReader();
      for (let part = await read(reader?.read() ?? ended); !part.done; part = await read(reader?.read() ?? ended))
        yield part.value;
    },
    cancel: () => void response.body?.cancel().catch(() => {}),
  };
}

const ended = Promise.resolve({ done: true as const, value: undefined });

/** Browsers tell nothing about why there was no answer; whether the request arrived stays open. */
function translate(error: unknown, url: string, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  return new ConnectionError(`No answer from ${new URL(url).origin}.`, { maybeSent: true, cause: error });
}
