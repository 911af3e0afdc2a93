import { ERROR_CODES, type ErrorCode } from '@groundcrew/protocol';
import { findSchemaMistakes } from './check-schema.ts';
import type { Document, Operation, Schema } from './document.ts';
import type { WireAnswer, WireRequest } from './send.ts';

/** What must not be in any answer: how the inside of the server is called. */
const INSIDE =
  /\n\s+at |node_modules|file:\/\/|\.(ts|mjs):\d|\/dist\/server|\bSELECT\b .* \bFROM\b|\bINSERT INTO\b|pg_catalog/;

/** What is wrong with an answer, whatever was asked; nothing when it is one that the document allows. */
export function findMistakes(
  document: Document,
  { path }: Operation,
  { method }: Pick<WireRequest, 'method'>,
  { status, headers, text }: WireAnswer,
): string[] {
  const general = [
    ...(status >= 500 ? [`The server failed: ${status} ${text.slice(0, 300)}`] : []),
    ...(INSIDE.test(text) ? [`The answer shows the inside of the server: ${text.slice(0, 300)}`] : []),
    ...(headers['x-request-id'] === undefined ? ['The answer has no X-Request-Id.'] : []),
  ];
  if (method === 'HEAD') return text === '' ? general : [...general, 'An answer to HEAD has a body.'];
  if (status >= 400) return [...general, ...findRefusalMistakes(document, status, text)];
  const operation = document.operations.find((other) => other.path === path && other.method === method);
  if (operation === undefined)
    return [...general, `The document does not know ${method} ${path}, which was answered ${status}.`];
  return [...general, ...findSuccessMistakes(document, operation, status, String(headers['content-type'] ?? ''), text)];
}

/** Every call's errors look alike; which codes there are is told by the list of them. */
function findRefusalMistakes(document: Document, status: number, text: string): string[] {
  const body = parse(text);
  const mistakes = findSchemaMistakes(document, body, { $ref: '#/components/schemas/ErrorBody' }, 'the error');
  if (mistakes.length > 0) return [...mistakes, `It was ${status} ${text.slice(0, 200)}`];
  const { code } = body as { code: ErrorCode };
  const right = ERROR_CODES[code].status;
  return right === status ? [] : [`${code} came with status ${status} in place of ${right}.`];
}

function findSuccessMistakes(
  document: Document,
  { responses }: Operation,
  status: number,
  contentType: string,
  text: string,
): string[] {
  const response = responses[status];
  if (response === undefined) return [`The document does not know the status ${status}: ${text.slice(0, 200)}`];
  if (response.content === undefined)
    return text === '' ? [] : [`An answer ${status} has a body: ${text.slice(0, 200)}`];
  const type = contentType.split(';')[0] as string;
  const schema: Schema | undefined = response.content[type]?.schema;
  if (schema === undefined) return [`The document does not know the content type ${contentType} for ${status}.`];
  if (type !== 'application/json' || schema.format === 'binary') return [];
  return findSchemaMistakes(document, parse(text), schema);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
