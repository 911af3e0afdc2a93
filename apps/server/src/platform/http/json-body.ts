import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from './app-error.ts';

/** Deeper JSON than this is refused: nothing of ours is that deep, and recursion over it has to end somewhere. */
const MAX_DEPTH = 64;

/** Makes a context take `application/json`, and nothing else that was not added to it. An empty body counts as none. */
export function addJsonParser(app: FastifyInstance): void {
  app.removeContentTypeParser(['text/plain', 'application/json']);
  // A key named __proto__ is dropped: no reader of ours expects one, and some merge would fall for it.
  const parse = app.getDefaultJsonParser('remove', 'ignore');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else void parse(request, decodeJson(body as Buffer), done);
  });
}

/** The text of a JSON body. Replacing broken UTF-8 silently would store something else than was sent, so it is refused. */
function decodeJson(body: Buffer): string {
  if (!isUtf8(body)) throw new AppError('invalid_request', 'The body is not valid UTF-8; send JSON as UTF-8.');
  if (isDeeper(body, MAX_DEPTH))
    throw new AppError('invalid_request', `The body nests deeper than ${MAX_DEPTH} levels; flatten it.`);
  return body.toString('utf8');
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether a JSON text nests deeper than `max`, without parsing it. */
function isDeeper(json: Uint8Array, max: number): boolean {
  let depth = 0;
  for (let i = 0; i < json.length; i += 1) {
    const byte = json[i];
    if (byte === QUOTE) i = endOfString(json, i);
    // [ is 0x5b, { is 0x7b; ] is 0x5d, } is 0x7d.
    else if (byte === 0x5b || byte === 0x7b) depth += 1;
    else if (byte === 0x5d || byte === 0x7d) depth -= 1;
    if (depth > max) return true;
  }
  return false;
}

function endOfString(json: Uint8Array, start: number): number {
  let end = json.indexOf(QUOTE, start + 1);
  while (end !== -1 && isEscaped(json, end)) end = json.indexOf(QUOTE, end + 1);
  return end === -1 ? json.length : end;
}

function isEscaped(json: Uint8Array, at: number): boolean {
  let backslashes = 0;
  while (json[at - 1 - backslashes] === BACKSLASH) backslashes += 1;
  return backslashes % 2 === 1;
}

/** True when the request came with JSON, whatever parameters its content type has. */
export const isJson = (request: FastifyRequest): boolean =>
  /^application\/json\s*(;|$)/i.test(request.raw.headers['content-type'] ?? '');
