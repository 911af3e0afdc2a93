import { ConnectionError, type Transport, type TransportAnswer, type TransportRequest } from '@groundcrew/client';
import type { Process } from '../world.ts';
import type { NoAnswer, WireAnswer } from './network.ts';

/** Carries the requests of one process over the simulated network. */
export function createTransport(process: Process): Transport {
  return { send: (request) => send(process, request), close: () => {} };
}

async function send(
  process: Process,
  { method, url, headers, body, signal }: TransportRequest,
): Promise<TransportAnswer> {
  const bytes = await collect(body);
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener('abort', () => process.after(0, () => reject(signal.reason)), { once: true });
    process.host.world.network.exchange(process.host.name, { method, url, headers, body: bytes }, (result) => {
      if (typeof result !== 'string') process.after(0, () => resolve(toAnswer(result)));
      else if (result !== 'hung') process.after(0, () => reject(explain(result)));
    });
  });
}

async function collect(body: TransportRequest['body']): Promise<Buffer> {
  if (body === undefined) return Buffer.alloc(0);
  if (body instanceof Uint8Array) return Buffer.from(body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body.open()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const explain = (reason: Exclude<NoAnswer, 'hung'>): ConnectionError =>
  new ConnectionError(`The connection was ${reason}.`, { maybeSent: reason === 'reset' });

const toAnswer = ({ status, headers, body }: WireAnswer): TransportAnswer => ({
  status,
  header: (name) => headers[name],
  bytes: async () => body,
  async *stream() {
    yield body;
  },
  cancel: () => {},
});
