import type { IncomingMessage } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { AppError } from './app-error.ts';

/** A request body as bytes. Exactly one of the two streams is read, once. */
export interface RawBody {
  /** The bytes, uncompressed if they came with `Content-Encoding: gzip`; fails with `too_large` past the route's limit. */
  readonly stream: Readable;
  /** The bytes as they came, for keeping them compressed. */
  readonly asSent: Readable;
  readonly encoding: 'identity' | 'gzip';
  /** Length as sent, when the client said it. */
  readonly contentLength: number | undefined;
  readonly contentType: string;
}

/** Offers the body of a request as streams of at most `maxBytes`. Errors: `too_large`, `unsupported_media_type`, `invalid_request`. */
export function createRawBody(source: IncomingMessage, maxBytes: number): RawBody {
  const encoding = parseEncoding(source.headers['content-encoding']);
  const contentLength = parseLength(source.headers['content-length']);
  if (contentLength !== undefined && contentLength > maxBytes) throw tooLarge(maxBytes);
  const asSent = () => Readable.from(limit(source, maxBytes), { objectMode: false });
  return {
    get stream() {
      return encoding === 'gzip' ? gunzip(asSent(), maxBytes) : asSent();
    },
    get asSent() {
      return asSent();
    },
    encoding,
    contentLength,
    contentType: source.headers['content-type'] ?? 'application/octet-stream',
  };
}

/** Reads a body to its end. */
export async function readRaw(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The sentence of every body that is too large. */
export const tooLarge = (maxBytes: number): AppError =>
  new AppError('too_large', `The body is larger than the ${maxBytes} bytes this call takes.`);

/**
 * Passes bytes on up to the limit. The source is left alone when reading stops early: destroying a request would cut the
 * connection before the client has read why.
 */
async function* limit(source: Readable, maxBytes: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    yield chunk;
  }
}

function gunzip(compressed: Readable, maxBytes: number): Readable {
  const plain = pipeline(compressed, createGunzip(), () => {});
  return Readable.from(limitPlain(plain, maxBytes), { objectMode: false });
}

async function* limitPlain(plain: Readable, maxBytes: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  try {
    for await (const chunk of plain as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof Error && (cause as NodeJS.ErrnoException).code?.startsWith('Z_'))
      throw new AppError(
        'invalid_request',
        'The body came with "Content-Encoding: gzip" but is not whole gzip data.',
        undefined,
        { cause },
      );
    throw cause;
  }
}

function parseEncoding(header: string | undefined): RawBody['encoding'] {
  if (header === undefined || header === 'identity') return 'identity';
  if (header.toLowerCase() === 'gzip') return 'gzip';
  throw new AppError(
    'unsupported_media_type',
    `A body may be compressed with gzip; ${JSON.stringify(header.slice(0, 40))} is not understood.`,
  );
}

function parseLength(header: string | undefined): number | undefined {
  return header === undefined ? undefined : Number(header);
}
