import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { ErrorBody } from '@groundcrew/protocol';
import type { RunningServer } from './server.ts';

export interface Question {
  method?: string;
  /** From the root, such as `/api/v1/tasks`. */
  path: string;
  headers?: Record<string, string>;
  /** Objects are sent as JSON; text and bytes as they are. */
  body?: unknown;
  /** Default the administrator's; null sends none. */
  token?: string | null;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/** Node gives up a connection whose other side stopped reading, at times with the answer still unread in it. */
const TRIES = 3;

/** One HTTP request exactly as told, well-formed or not; the typed client would not send most of them. */
export async function ask(server: RunningServer, question: Question): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await askOnce(server, question);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE' || tries === TRIES) throw error;
    }
  }
}

function askOnce(
  server: RunningServer,
  { method = 'GET', path, headers = {}, body, token }: Question,
): Promise<Answer> {
  const given = token === undefined ? server.token : token;
  const bytes = toBytes(body);
  const options: RequestOptions = {
    method,
    agent: false,
    headers: {
      ...(given === null ? {} : { authorization: `Bearer ${given}` }),
      ...(bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': bytes.length }),
      ...headers,
    },
  };
  return new Promise((resolve, reject) => {
    let answered = false;
    const asked = request(new URL(path, server.url), options, (response) => {
      answered = true;
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ ...pick(response), text: Buffer.concat(chunks).toString() }));
      response.on('error', reject);
    });
    // An answer may come, and the connection be closed, before a large body was sent whole.
    asked.on('error', (error) => (answered ? undefined : reject(error)));
    asked.end(bytes);
  });
}

const pick = ({ statusCode = 0, headers }: IncomingMessage) => ({ status: statusCode, headers });

function toBytes(body: unknown): Buffer | undefined {
  if (body === undefined) return undefined;
  if (typeof body === 'string' || body instanceof Uint8Array) return Buffer.from(body as string);
  return Buffer.from(JSON.stringify(body));
}

/** What is wrong with a refusal as an answer to people, as sentences; nothing when it is as it should be. */
export function findRefusalMistakes(
  { status, text }: Answer,
  expected: { status: number; code: string; names: RegExp },
): string[] {
  const parsed = ErrorBody.safeParse(findJson(text));
  if (!parsed.success) return [`status ${status}, and no error body: ${text.slice(0, 300)}`];
  const { error, code, details, request_id } = parsed.data;
  const said = `${error} ${JSON.stringify(details ?? '')}`;
  return [
    ...(status === expected.status ? [] : [`status ${status} in place of ${expected.status}: ${error}`]),
    ...(code === expected.code ? [] : [`code ${code} in place of ${expected.code}: ${error}`]),
    ...(expected.names.test(said) ? [] : [`does not name ${expected.names}: ${said}`]),
    ...(/^[A-Z"'].*[.!]$/s.test(error) && error.length < 800 ? [] : [`is no sentence: ${error}`]),
    ...(/\n\s+at |node_modules|\.ts:\d|select |insert into/i.test(text)
      ? [`shows its inside: ${text.slice(0, 300)}`]
      : []),
    ...(request_id.length > 4 ? [] : ['has no request id']),
  ];
}

function findJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
