/** A value's place in the bytes, `end` exclusive. */
export interface JsonRange {
  start: number;
  end: number;
}
export interface JsonMember extends JsonRange {
  key: string;
}

/** The bytes are not JSON at this level. */
export class JsonSyntaxError extends Error {
  override name = 'JsonSyntaxError';
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

/**
 * The members of an object in order, doubled keys included, without parsing their values: one pass over the bytes and no
 * memory, so that a state of any size can be looked into. What is inside the values is checked only for balance.
 * @throws JsonSyntaxError when there is no object at `at`, or it is broken.
 */
export function* listJsonMembers(bytes: Uint8Array, at = 0): Generator<JsonMember> {
  let pos = open(bytes, at, 0x7b, 'an object');
  if (bytes[pos] === 0x7d) return;
  for (;;) {
    if (bytes[pos] !== QUOTE) throw broken('a key', pos);
    const keyEnd = skipString(bytes, pos);
    const key = parseJsonRange(bytes, { start: pos, end: keyEnd }) as string;
    pos = skipSpace(bytes, keyEnd);
    if (bytes[pos] !== COLON) throw broken('":"', pos);
    const start = skipSpace(bytes, pos + 1);
    const end = skipJsonValue(bytes, start);
    yield { key, start, end };
    const next = separator(bytes, end, 0x7d);
    if (next === undefined) return;
    pos = next;
  }
}

/** The elements of an array in order; see {@link listJsonMembers}. */
export function* listJsonElements(bytes: Uint8Array, at = 0): Generator<JsonRange> {
  let start = open(bytes, at, 0x5b, 'an array');
  if (bytes[start] === 0x5d) return;
  for (;;) {
    const end = skipJsonValue(bytes, start);
    yield { start, end };
    const next = separator(bytes, end, 0x5d);
    if (next === undefined) return;
    start = next;
  }
}

/** Parses one value found by {@link listJsonMembers} or {@link listJsonElements}. */
export function parseJsonRange(bytes: Uint8Array, { start, end }: JsonRange): unknown {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8'));
}

function open(bytes: Uint8Array, at: number, opener: number, what: string): number {
  const start = skipSpace(bytes, at);
  if (bytes[start] !== opener) throw broken(what, start);
  return skipSpace(bytes, start + 1);
}

/** The start of what follows the comma; undefined behind the last one. */
function separator(bytes: Uint8Array, end: number, closer: number): number | undefined {
  const pos = skipSpace(bytes, end);
  if (bytes[pos] === closer) return undefined;
  if (bytes[pos] !== COMMA) throw broken('","', pos);
  return skipSpace(bytes, pos + 1);
}

function skipSpace(bytes: Uint8Array, at: number): number {
  let pos = at;
  for (;;) {
    const byte = bytes[pos];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return pos;
    pos += 1;
  }
}

function skipString(bytes: Uint8Array, at: number): number {
  for (let pos = at + 1; pos < bytes.length; pos++) {
    const byte = bytes[pos];
    if (byte === QUOTE) return pos + 1;
    if (byte === BACKSLASH) pos += 1;
  }
  throw broken('the end of a string', bytes.length);
}

function skipJsonValue(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first === QUOTE) return skipString(bytes, at);
  if (first !== 0x7b && first !== 0x5b) return skipScalar(bytes, at);
  let depth = 0;
  for (let pos = at; pos < bytes.length; pos++) {
    const byte = bytes[pos];
    if (byte === QUOTE) pos = skipString(bytes, pos) - 1;
    else if (byte === 0x7b || byte === 0x5b) depth += 1;
    else if ((byte === 0x7d || byte === 0x5d) && --depth === 0) return pos + 1;
  }
  throw broken('a closing bracket', bytes.length);
}

function skipScalar(bytes: Uint8Array, at: number): number {
  let pos = at;
  while (pos < bytes.length && isScalarByte(bytes[pos] as number)) pos += 1;
  if (pos === at) throw broken('a value', at);
  return pos;
}

// Letters, digits, sign and point: enough to find the end of a number or a word, whose parsing is left to JSON.parse.
const isScalarByte = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) ||
  (byte >= 0x61 && byte <= 0x7a) ||
  byte === 0x2d ||
  byte === 0x2b ||
  byte === 0x2e ||
  byte === 0x45;

const broken = (expected: string, at: number): JsonSyntaxError =>
  new JsonSyntaxError(`there should be ${expected} at byte ${at}`);
