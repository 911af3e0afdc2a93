import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Ground } from './ground.ts';
import { fillMarks } from './known.ts';
import type { OwnGround } from './own-ground.ts';
import type { FuzzRequest } from './request-arbitrary.ts';

/** A request as it goes over the wire. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}
export interface WireAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  readonly ms: number;
}

/** Without an answer for so long, a request hangs; the longest that a call may wait by its contract is 25 s. */
const HANG_MS = 28_000;

/** What a call of this name finds: what all share, and in the place of some of it what is its own. */
function groundOf({ known, tokens, own }: Ground, operationId: string) {
  const { cookie, ...mine } = own[operationId] ?? { known: {} };
  return { known: { ...known, ...mine.known }, tokens: { ...tokens, ...mine.tokens }, cookie };
}

/** Fills in what is there. */
export function toWire(request: FuzzRequest, ground: Ground): WireRequest {
  const { known, ...credentials } = groundOf(ground, request.operation.operationId);
  const path = request.operation.path.replace(/\{(\w+)\}/g, (_all, name: string) =>
    encode(fillMarks(request.params[name] ?? '', known)),
  );
  const search = request.query.map(([name, value]) => `${encode(name)}=${encode(fillMarks(value, known))}`).join('&');
  const body = toBytes(request.body, known);
  const hasLength = body !== undefined && request.headers['transfer-encoding'] === undefined;
  return {
    method: request.method,
    path: search === '' ? path : `${path}?${search}`,
    headers: {
      ...authorization(request, credentials),
      ...request.headers,
      ...(hasLength ? { 'content-length': String(body.length) } : {}),
    },
    body,
  };
}

function authorization(
  { operation, credential }: FuzzRequest,
  { tokens, cookie }: Pick<Ground, 'tokens'> & { cookie: OwnGround['cookie'] | undefined },
): Record<string, string> {
  if (credential === 'right' && cookie !== undefined) return { cookie };
  const right = tokens[operation.credential ?? 'user'] ?? '';
  if (credential === 'none') return {};
  const other = operation.credential === 'user' ? tokens.agent : tokens.user;
  const token = { right, broken: `${right.slice(0, -2)}xx`, other: other ?? '' }[credential];
  return { authorization: `Bearer ${token}` };
}

function toBytes(body: FuzzRequest['body'], known: Ground['known']): Buffer | undefined {
  if (body === undefined) return undefined;
  return 'text' in body ? Buffer.from(fillMarks(body.text, known)) : Buffer.from(body.base64, 'base64');
}

/** What is already written as in a URL goes out as it is, right or wrong; a request line holds no blanks. */
function encode(text: string): string {
  if (/^[!-"$->@-~]*$/.test(text) && /%|\.\./.test(text)) return text;
  return [...Buffer.from(text, 'utf8')]
    .map((byte) =>
      /[\w.~-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`,
    )
    .join('');
}

/** A client that keeps connections, and sends what it is told. */
export function createSender(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });

  function sendOnce({ method, path, headers, body }: WireRequest): Promise<WireAnswer> {
    const startedAt = performance.now();
    return new Promise((resolve, reject) => {
      const { hostname, port } = new URL(url);
      const outgoing = httpRequest({ agent, hostname, port, method, path, headers, timeout: HANG_MS }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            text: Buffer.concat(chunks).toString(),
            ms: performance.now() - startedAt,
          }),
        );
      });
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${HANG_MS / 1000} s`)));
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        // The server may close a connection at the moment in which we send on it.
        if (outgoing.reusedSocket && error.code === 'ECONNRESET') resolve(sendOnce({ method, path, headers, body }));
        else reject(error);
      });
      outgoing.end(body);
    });
  }

  return { send: sendOnce, close: () => agent.destroy() };
}
