import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { API_PREFIX, ATTEMPT_TOKEN_PREFIX, ERROR_CODES, type RouteSpec, routes } from '@groundcrew/protocol';
import { type AttemptGiven, createFakeAttempt, type FakeAttempt, Refused, sha256 } from './fake-attempt.ts';
import { FAKE_ROUTES, type FakeRouteName } from './fake-routes.ts';

/**
 * What becomes of a call: `refuse` answers 503 before anything is done, `cut` drops the connection before, `lose` does what was
 * asked and drops the connection instead of answering, `hang` never answers.
 */
export type Fault = 'refuse' | 'cut' | 'lose' | 'hang';

/** A control plane for attempts on a real socket: speaks the protocol, remembers everything, fails when told to. */
export interface FakeControlPlane {
  readonly url: string;
  readonly port: number;
  /** Every call in order. */
  readonly calls: FakeRouteName[];
  /** Asked for every call; undefined lets it through. */
  fault: (call: FakeRouteName) => Fault | undefined;
  /** Makes an attempt known, as accepted with this secret. */
  accept(secret: string, given: AttemptGiven): FakeAttempt;
  close(): Promise<void>;
}

/** @param port 0 takes any free one; a restarted server takes its old one */
export async function startFakeControlPlane(port = 0): Promise<FakeControlPlane> {
  const attempts = new Map<string, FakeAttempt>();
  const server = createServer((request, response) => void serve(request, response, fake, attempts));
  const fake: Omit<FakeControlPlane, 'url' | 'port'> = {
    calls: [],
    fault: () => undefined,
    accept(secret, given) {
      const attempt = createFakeAttempt(given);
      attempts.set(sha256(secret), attempt);
      return attempt;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const bound = (server.address() as AddressInfo).port;
  return Object.assign(fake, { url: `http://127.0.0.1:${bound}`, port: bound });
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  fake: Pick<FakeControlPlane, 'calls' | 'fault'>,
  attempts: Map<string, FakeAttempt>,
): Promise<void> {
  const raw = await readBody(request);
  const name = findRoute(request);
  // A spare that only opens a connection.
  if (name === undefined) return reply(response, 404, refusalBody('not_found', 'There is nothing here.'));
  fake.calls.push(name);
  const fault = fake.fault(name);
  if (fault === 'hang') return;
  if (fault === 'cut') return void request.socket.destroy();
  if (fault === 'refuse') return reply(response, 503, refusalBody('unavailable', 'Not now.'), { 'retry-after': '0' });
  const { status, body, headers } = answer(name, request, raw, attempts);
  if (fault === 'lose') return void request.socket.destroy();
  reply(response, status, body, headers);
}

interface Reply {
  status: number;
  body: Buffer | undefined;
  headers?: Record<string, string>;
}

function answer(name: FakeRouteName, request: IncomingMessage, raw: Buffer, attempts: Map<string, FakeAttempt>): Reply {
  try {
    const attempt = findAttempt(request, attempts);
    const { headers } = request;
    const given = FAKE_ROUTES[name]({ attempt, raw, headers, body: parseBody(name, request, raw) });
    if (given === undefined) return { status: 204, body: undefined };
    if ('raw' in given) return { status: 200, body: given.raw, headers: { 'x-content-sha256': sha256(given.raw) } };
    const spec: RouteSpec = routes[name];
    return { status: 200, body: Buffer.from(JSON.stringify(spec.answer?.parse(given.json) ?? given.json)) };
  } catch (error) {
    if (error instanceof Refused)
      return { status: ERROR_CODES[error.code].status, body: refusalBody(error.code, error.message, error.details) };
    return { status: 400, body: refusalBody('invalid_request', String(error)) };
  }
}

function parseBody(name: FakeRouteName, request: IncomingMessage, raw: Buffer): unknown {
  const spec: RouteSpec = routes[name];
  const isJson = request.headers['content-type']?.startsWith('application/json') ?? false;
  return isJson ? spec.body?.parse(JSON.parse(raw.toString('utf8'))) : undefined;
}

function findAttempt(request: IncomingMessage, attempts: Map<string, FakeAttempt>): FakeAttempt {
  const secret = request.headers.authorization?.replace(`Bearer ${ATTEMPT_TOKEN_PREFIX}`, '') ?? '';
  const attempt = attempts.get(sha256(secret));
  if (attempt === undefined) throw new Refused('unauthenticated', 'No attempt has this secret.');
  if (request.url?.split('/')[5] !== attempt.data.task.id)
    throw new Refused('not_found', 'This attempt belongs to another task.');
  return attempt;
}

function findRoute({ method, url }: IncomingMessage): FakeRouteName | undefined {
  const path = url
    ?.split('?')[0]
    ?.replace(API_PREFIX, '')
    .replace(/\/task-[a-z0-9]+\//, '/:task_id/');
  const names = Object.keys(FAKE_ROUTES) as FakeRouteName[];
  return names.find((name) => routes[name].method === method && routes[name].path === path);
}

const refusalBody = (code: string, error: string, details?: unknown): Buffer =>
  Buffer.from(JSON.stringify({ error, code, details, request_id: 'req-fake' }));

function reply(
  response: ServerResponse,
  status: number,
  body: Buffer | undefined,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(body ? { 'content-length': body.length } : {}),
    ...headers,
  });
  response.end(body);
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch {
    // The caller is gone; whatever is answered reaches nobody.
  }
  return Buffer.concat(chunks);
}
