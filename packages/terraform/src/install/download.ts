import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { InstallError } from './install-error.ts';
import { assertSafeUrl } from './release-source.ts';

export interface DownloadOptions {
  /** More than this is an error. */
  maxBytes: number;
  /** Gives up when nothing comes for so long, connecting included. */
  idleTimeoutMs: number;
  /** Gives up when it aborts; its reason is thrown as it is. */
  signal?: AbortSignal;
  /** Environment with HTTPS_PROXY, NO_PROXY and so on; without it no proxy is used. */
  proxyEnv?: NodeJS.ProcessEnv;
}

const MAX_REDIRECTS = 5;

/** The bytes at a URL. @throws InstallError */
export async function downloadBytes(url: string, options: DownloadOptions): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  await receive(url, options, (chunk) => chunks.push(chunk), nowhere);
  return Buffer.concat(chunks);
}

/** Streams a URL into a file, which is made or emptied first; gives the SHA-256 in hex. @throws InstallError */
export async function downloadFile(url: string, path: string, options: DownloadOptions): Promise<string> {
  const hash = createHash('sha256');
  await receive(url, options, (chunk) => hash.update(chunk), createWriteStream(path, { mode: 0o600 }));
  return hash.digest('hex');
}

async function receive(
  url: string,
  options: DownloadOptions,
  onChunk: (chunk: Buffer) => void,
  sink: Writable,
): Promise<void> {
  const { signal, maxBytes } = options;
  try {
    const response = await request(new URL(url), options, MAX_REDIRECTS);
    await pipeline(response, createMeter(url, maxBytes, onChunk), sink, signal ? { signal } : {});
  } catch (error) {
    sink.destroy();
    throw explain(url, error, options);
  }
}

function createMeter(url: string, maxBytes: number, onChunk: (chunk: Buffer) => void): Transform {
  let seen = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      if (seen > maxBytes) return done(tooLarge(url, maxBytes));
      onChunk(chunk);
      done(null, chunk);
    },
  });
}

const tooLarge = (url: string, maxBytes: number): InstallError =>
  new InstallError(
    'bad_archive',
    `${url} is larger than ${maxBytes} bytes and cannot be what it should be; check the mirror.`,
  );

async function request(url: URL, options: DownloadOptions, redirects: number): Promise<IncomingMessage> {
  assertSafeUrl(url);
  const response = await send(url, options);
  const { statusCode = 0, headers } = response;
  if (statusCode === 200) return response;
  response.destroy();
  if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined && redirects > 0) {
    return request(new URL(headers.location, url), options, redirects - 1);
  }
  throw explainStatus(url, statusCode);
}

function send(url: URL, { idleTimeoutMs, signal, proxyEnv }: DownloadOptions): Promise<IncomingMessage> {
  const client = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const agent = new client.Agent({ keepAlive: false, ...(proxyEnv ? { proxyEnv } : {}) });
    const headers = { accept: '*/*', 'user-agent': 'groundcrew' };
    const outgoing = client.get(
      url,
      { agent, headers, timeout: idleTimeoutMs, ...(signal ? { signal } : {}) },
      resolve,
    );
    outgoing.on('error', reject);
    outgoing.on('timeout', () => outgoing.destroy(new Error(`nothing came for ${idleTimeoutMs / 1000} s`)));
  });
}

function explainStatus(url: URL, status: number): InstallError {
  if (status === 404 || status === 403 || status === 410) {
    return new InstallError(
      'not_offered',
      `${url.href} does not exist (HTTP ${status}); check the version and the mirror's URL.`,
    );
  }
  return new InstallError(
    'unreachable',
    `${url.href} answered HTTP ${status}; try again later, or set another mirror.`,
  );
}

function explain(url: string, error: unknown, { signal }: DownloadOptions): unknown {
  if (error instanceof InstallError) return error;
  if (signal?.aborted) return signal.reason;
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  // Trouble with the file that is written is told by the caller.
  if (syscall === 'write' || syscall === 'open') return error;
  return new InstallError(
    'unreachable',
    `${url} cannot be downloaded (${code ?? message}); check the network, or set a mirror that the agent can reach.`,
    { cause: error },
  );
}
