/**
 * How docs/contract.md writes types: `text`, `number`, `integer`, `flag`, `time`, `checksum`, `base64`, `any`, `null`; an id as its
 * prefix (`task-…`); `"a"` or `7` for one value; `T[]`, `map of T`, `{ a: T, b?: T }`, `Page of T`, a message's name, and `T or T`. A
 * field `*` stands for any other.
 */
export type TypeNode =
  | { readonly kind: 'plain'; readonly name: PlainType }
  | { readonly kind: 'id'; readonly prefix: string }
  | { readonly kind: 'value'; readonly value: string | number | boolean }
  | { readonly kind: 'list'; readonly of: TypeNode }
  | { readonly kind: 'map'; readonly of: TypeNode }
  | { readonly kind: 'page'; readonly of: TypeNode }
  | { readonly kind: 'object'; readonly fields: readonly FieldNode[] }
  | { readonly kind: 'message'; readonly name: string }
  | { readonly kind: 'either'; readonly options: readonly TypeNode[] };

/** A field of a message; an optional one may be absent. */
export interface FieldNode {
  readonly name: string;
  readonly optional: boolean;
  readonly type: TypeNode;
}

const PLAIN = ['text', 'number', 'integer', 'flag', 'time', 'checksum', 'base64', 'any', 'null'] as const;
type PlainType = (typeof PLAIN)[number];

/** `"text"`, a number, an id's prefix with its dots, a word, or one mark. */
const TOKEN = /\s*("(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|[a-z]+-…|[A-Za-z_][\w.-]*|\[\]|[{}:?,()*])/y;

/** Reads a type. Errors: a sentence with the text that cannot be read. */
export function parseType(text: string): TypeNode {
  const reader = createReader(text);
  const type = parseEither(reader);
  if (reader.peek() !== undefined) reader.fail();
  return type;
}

function createReader(text: string) {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(text); found !== null; found = TOKEN.exec(text)) {
    tokens.push(found[1] as string);
    if (text.slice(TOKEN.lastIndex).trim() === '') break;
  }
  let at = 0;
  const fail = (): never => {
    throw new Error(`The type "${text}" cannot be read near "${tokens[at] ?? 'its end'}".`);
  };
  return {
    fail,
    peek: () => tokens[at],
    take: () => tokens[at++] ?? fail(),
    /** Takes the token if it is the next one. */
    skip(token: string): boolean {
      if (tokens[at] !== token) return false;
      at += 1;
      return true;
    },
  };
}
type Reader = ReturnType<typeof createReader>;

function parseEither(reader: Reader): TypeNode {
  const options = [parseLists(reader)];
  while (reader.skip('or')) options.push(parseLists(reader));
  return options.length === 1 ? (options[0] as TypeNode) : { kind: 'either', options };
}

function parseLists(reader: Reader): TypeNode {
  let type = parseOne(reader);
  while (reader.skip('[]')) type = { kind: 'list', of: type };
  return type;
}

function parseOne(reader: Reader): TypeNode {
  if (reader.skip('(')) {
    const inner = parseEither(reader);
    return reader.skip(')') ? inner : reader.fail();
  }
  if (reader.skip('{')) return { kind: 'object', fields: parseFields(reader) };
  const token = reader.take();
  if (token.startsWith('"') || /^[-\d]/.test(token)) return { kind: 'value', value: JSON.parse(token) as string };
  if (token === 'true' || token === 'false') return { kind: 'value', value: token === 'true' };
  if (token.endsWith('-…')) return { kind: 'id', prefix: token.slice(0, -2) };
  if (token === 'map' && reader.skip('of')) return { kind: 'map', of: parseLists(reader) };
  if (token === 'Page' && reader.skip('of')) return { kind: 'page', of: parseLists(reader) };
  const plain = PLAIN.find((name) => name === token);
  if (plain !== undefined) return { kind: 'plain', name: plain };
  return /^[A-Z]/.test(token) ? { kind: 'message', name: token } : reader.fail();
}

function parseFields(reader: Reader): FieldNode[] {
  const fields: FieldNode[] = [];
  while (!reader.skip('}')) {
    const name = reader.take();
    const optional = reader.skip('?');
    if (!reader.skip(':')) reader.fail();
    fields.push({ name, optional, type: parseEither(reader) });
    if (!reader.skip(',') && reader.peek() !== '}') reader.fail();
  }
  return fields;
}
