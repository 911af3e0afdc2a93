import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { sha256Hex } from '@groundcrew/kit';
import type { AppendAnswer, AppendLog, OutgoingChunk } from './ports.ts';

/** What a fault does with one request: answers it itself (or never), or leaves it to the store by giving nothing. */
export type Fault = (chunk: ReceivedChunk, stored: number) => FaultAnswer | 'hang' | 'drop' | 'answer lost' | undefined;

export interface FaultAnswer {
  readonly status: number;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ReceivedChunk extends Omit<OutgoingChunk, 'content'> {
  /** Uncompressed. */
  readonly bytes: Buffer;
  readonly receivedAt: number;
}

/** The far side of the wire: appends by offset and checksum as the wire contract says, and misbehaves when told to. */
export interface LogServer {
  readonly url: string;
  stored(): Buffer;
  length(): number;
  /** Loses everything behind the offset, as a restored database does, and has `instead` there. */
  forget(offset: number, instead?: string): void;
  readonly chunks: readonly ReceivedChunk[];
  fault: Fault | undefined;
  close(): Promise<void>;
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function header(request: IncomingMessage, name: string): string {
  return String(request.headers[name] ?? '');
}

async function readChunk(request: IncomingMessage): Promise<ReceivedChunk> {
  const content = await readBody(request);
  const isGzipped = header(request, 'content-encoding') === 'gzip';
  return {
    phase: header(request, 'x-log-phase') as 'plan' | 'apply',
    offset: Number(header(request, 'x-log-offset')),
    checksum: header(request, 'x-content-sha256'),
    written_at: header(request, 'x-log-written-at'),
    ...(isGzipped && { encoding: 'gzip' as const }),
    bytes: isGzipped ? gunzipSync(content) : content,
    receivedAt: Date.now(),
  };
}

export async function startLogServer(): Promise<LogServer> {
  const parts: Buffer[] = [];
  let length = 0;
  const chunks: ReceivedChunk[] = [];

  function stored(): Buffer {
    const whole = Buffer.concat(parts);
    parts.splice(0, parts.length, whole);
    return whole;
  }

  function store({ bytes, offset, checksum }: ReceivedChunk): FaultAnswer {
    if (sha256Hex(bytes) !== checksum) return { status: 422 };
    if (offset > length) return { status: 409, body: { next_offset: length } };
    const overlap = Math.min(length - offset, bytes.length);
    if (
      overlap > 0 &&
      !stored()
        .subarray(offset, offset + overlap)
        .equals(bytes.subarray(0, overlap))
    ) {
      return { status: 409, body: { next_offset: length } };
    }
    parts.push(bytes.subarray(overlap));
    length += bytes.length - overlap;
    return { status: 200, body: { next_offset: length } };
  }

  const server = createServer(async (request, response) => {
    const chunk = await readChunk(request);
    chunks.push(chunk);
    const fault = api.fault?.(chunk, length);
    if (fault === 'hang') return;
    if (fault === 'drop') return void request.socket.destroy();
    const answer = typeof fault === 'object' ? fault : store(chunk);
    if (fault === 'answer lost') return void request.socket.destroy();
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
    response.end(JSON.stringify(answer.body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const api: LogServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stored,
    length: () => length,
    forget(offset, instead = '') {
      parts.splice(0, parts.length, stored().subarray(0, offset), Buffer.from(instead));
      length = stored().length;
    },
    chunks,
    fault: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return api;
}

/** Brings chunks to that server. */
export function appendOverHttp(url: string): AppendLog {
  return async (chunk, signal) => {
    const response = await fetch(url, {
      method: 'POST',
      signal,
      body: new Uint8Array(chunk.content),
      headers: {
        'x-log-phase': chunk.phase,
        'x-log-offset': String(chunk.offset),
        'x-content-sha256': chunk.checksum,
        'x-log-written-at': chunk.written_at,
        ...(chunk.encoding && { 'content-encoding': chunk.encoding }),
      },
    });
    return toAnswer(response, (await response.json()) as Record<string, number>);
  };
}

function toAnswer({ status, headers }: Response, body: Record<string, number>): AppendAnswer {
  const next = body.next_offset ?? Number.NaN;
  if (status === 200) {
    const intervalMs = body.log_interval_ms;
    return { kind: 'saved', nextOffset: next, ...(intervalMs !== undefined && { intervalMs }) };
  }
  if (status === 409 && 'next_offset' in body) return { kind: 'mismatch', storedLength: next };
  if (status === 422) return { kind: 'damaged' };
  const retryAfter = headers.get('retry-after');
  return {
    kind: 'refused',
    sentence: `status ${status}`,
    ...(retryAfter !== null && { retryAfterMs: Number(retryAfter) * 1000 }),
  };
}
