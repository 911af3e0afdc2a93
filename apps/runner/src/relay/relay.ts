import { createReadStream } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { type Clock, createOutageLog, type Logger, type OutageLog } from '@groundcrew/kit';
import { closeServer, listenOnLoopback } from '../loopback.ts';
import { isAuthorised, type RelayCredentials } from './credentials.ts';
import { type RelayAnswer, type RelayVerbs, sentence } from './relay-verbs.ts';

/** Terraform's state back end while it runs: an endpoint on the loopback interface that only this attempt's Terraform can use. */
export interface Relay {
  readonly port: number;
  close(): Promise<void>;
}

export interface RelayOptions {
  /** 0 takes any free port; a successor takes its predecessor's, which Terraform knows. */
  port: number;
  credentials: RelayCredentials;
  verbs: RelayVerbs;
  clock: Clock;
  logger: Logger;
}

const PORT_RETRY_MS = 250;

/** Listens; a port that is taken just now is waited for, as Terraform does on its side. */
export async function openRelay(options: RelayOptions): Promise<Relay> {
  const outage = createOutageLog({
    ...options,
    trouble: 'the state relay could not answer; Terraform asks again',
    recovery: 'the state relay answers again',
  });
  const server = createServer((request, response) => void serve(request, response, options, outage));
  // Terraform keeps its connection for the length of the apply, and a large state may take its time.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  const port = await listenPatiently(server, options);
  return { port, close: () => closeServer(server) };
}

async function listenPatiently(server: Server, { port, clock, logger }: RelayOptions): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await listenOnLoopback(server, port);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      if (tries % 40 === 1) logger.warn({ port }, 'the port of the state relay is taken; waiting for it');
      await clock.sleep(PORT_RETRY_MS);
    }
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  options: RelayOptions,
  outage: OutageLog,
): Promise<void> {
  try {
    await reply(response, await answer(request, options));
    outage.worked();
  } catch (error) {
    outage.failed(error);
    if (response.headersSent) response.destroy();
    // 503 has Terraform try again, practically for ever.
    else
      await reply(response, { ...sentence(503, 'The state relay could not answer just now.'), retryAfterSeconds: 1 });
  }
}

async function answer(request: IncomingMessage, { credentials, verbs }: RelayOptions): Promise<RelayAnswer> {
  const url = new URL(request.url ?? '/', 'http://relay');
  if (url.pathname !== credentials.path) return sentence(404, 'There is nothing here.');
  if (!isAuthorised(request.headers.authorization, credentials))
    return sentence(401, 'The credentials are not those of this attempt.');
  switch (request.method) {
    case 'GET':
      return verbs.get();
    case 'POST':
      return verbs.post(request, { lockId: url.searchParams.get('ID'), md5: oneOf(request.headers['content-md5']) });
    case 'LOCK':
      return verbs.lock(await readText(request));
    case 'UNLOCK':
      return verbs.unlock(await readText(request));
    default:
      return sentence(405, 'The state relay knows GET, POST, LOCK and UNLOCK.');
  }
}

async function reply(response: ServerResponse, { status, body, retryAfterSeconds }: RelayAnswer): Promise<void> {
  response.statusCode = status;
  if (retryAfterSeconds !== undefined) response.setHeader('Retry-After', String(retryAfterSeconds));
  if (body === undefined || typeof body === 'string') {
    response.end(body);
    return;
  }
  response.setHeader('Content-Type', 'application/json');
  response.setHeader('Content-Length', String(body.size));
  await pipeline(createReadStream(body.path), response);
}

/** A lock's description is small. */
const MAX_TEXT_BYTES = 64 * 1024;

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_TEXT_BYTES) throw new Error('a request of Terraform had a body too large for a lock');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const oneOf = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header[0] : header;
