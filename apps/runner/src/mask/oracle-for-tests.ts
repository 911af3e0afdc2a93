import type { Secret } from './forms.ts';

// The same masking said in another way, for tests: whole text at once, small readers put together, every start tried. It
// shares no code with what it judges.

const COLOUR = '\\x1b\\[[\\d;:]*[mK]';
const PREFIX = `[^\\n]+? \\([a-z][a-z-]*\\):(?:${COLOUR})* `;
const WHITE = '\t\n\v\f\r ';

type Kind = 'plain' | 'json' | 'url' | 'base64';

const latin1 = (text: string) => Buffer.from(text).toString('latin1');
const cases = (hex: string, mark: string) => [mark + hex.toLowerCase(), mark + hex.toUpperCase()];

function jsonWays(character: string): string[] {
  const short: Record<string, string> = { '"': '"', "'": "'", '/': '/', '\\': '\\', '\n': 'n', '\r': 'r', '\t': 't' };
  const more: Record<string, string> = { '\f': 'f', '\v': 'v', '\b': 'b', '\x07': 'a' };
  const letter = short[character] ?? more[character];
  const units = [...Array(character.length).keys()].map((i) => character.charCodeAt(i).toString(16).padStart(4, '0'));
  const code = character.codePointAt(0) as number;
  return [
    ...(letter ? [`\\${letter}`] : []),
    units.map((unit) => `\\u${unit}`).join(''),
    units.map((unit) => `\\u${unit.toUpperCase()}`).join(''),
    ...(code < 128 ? cases(code.toString(16).padStart(2, '0'), '\\x') : []),
    ...(code > 0xffff ? cases(code.toString(16).padStart(8, '0'), '\\U') : []),
  ];
}

function urlWays(character: string): string[] {
  const bytes = [...Buffer.from(character)].map((byte) => byte.toString(16).padStart(2, '0'));
  return [bytes.map((hex) => `%${hex.toUpperCase()}`).join(''), bytes.map((hex) => `%${hex}`).join('')];
}

function ways(kind: Kind, character: string): string[] {
  if (kind === 'json' && !/[a-z0-9]/i.test(character)) return [...jsonWays(character), character];
  if (kind === 'url' && !/[a-z0-9._~-]/i.test(character)) return [...urlWays(character), character];
  if (kind === 'base64') return { '+': ['+', '-'], '/': ['/', '_'] }[character] ?? [character];
  return [character];
}

/** A place in the text that a reader came to, and what it left out on the way. */
interface Place {
  readonly at: number;
  readonly holes: readonly (readonly [number, number])[];
}
type Read = (place: Place) => Place | undefined;

const START = new RegExp(`^${PREFIX}`);
const PREFIX_HERE = new RegExp(`${PREFIX}(?:${COLOUR})*`, 'y');

/** Where the provisioner whose line ends at `at` speaks again. */
function findRest(text: string, at: number): number | undefined {
  const start = at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1;
  const prefix = at - start <= 8192 ? START.exec(text.slice(start, Math.min(at, start + 512)))?.[0] : undefined;
  if (prefix === undefined) return undefined;
  for (let line = at + 1; line > 0 && line - at <= 4096; line = text.indexOf('\n', line) + 1)
    if (text.startsWith(prefix, line)) return line;
  return undefined;
}

function enter(text: string, { at, holes }: Place, line: number): Place {
  PREFIX_HERE.lastIndex = line;
  return PREFIX_HERE.test(text)
    ? { at: PREFIX_HERE.lastIndex, holes: [...holes, [at, PREFIX_HERE.lastIndex]] }
    : { at: line, holes };
}

/** Readers of one text. `follows`: a broken line is gone on with where its provisioner speaks again, else in the next line. */
function createReaders(text: string, follows: boolean) {
  const bytes =
    (expected: string): Read =>
    (place) =>
      text.startsWith(expected, place.at) ? { ...place, at: place.at + expected.length } : undefined;
  const one = (source: string): Read => {
    const expression = new RegExp(source, 'y');
    return (place) => {
      expression.lastIndex = place.at;
      return expression.test(text) ? { ...place, at: expression.lastIndex } : undefined;
    };
  };
  const lineBreak: Read = (place) => {
    const rest = follows && text[place.at] === '\n' ? findRest(text, place.at) : undefined;
    return rest === undefined ? undefined : enter(text, place, rest);
  };
  const lineEnd: Read = (place) =>
    text[place.at] === '\n' ? (lineBreak(place) ?? enter(text, place, place.at + 1)) : undefined;
  return { bytes, one, lineBreak, lineEnd };
}

const firstOf =
  (...reads: Read[]): Read =>
  (place) => {
    for (const read of reads) {
      const end = read(place);
      if (end) return end;
    }
    return undefined;
  };
const inOrder =
  (...reads: Read[]): Read =>
  (place) =>
    reads.reduce<Place | undefined>((at, read) => at && read(at), place);
const maybe = (read: Read): Read => firstOf(read, (place) => place);
const many =
  (read: Read): Read =>
  (place) => {
    let at = place;
    for (let end = read(at); end; end = read(at)) at = end;
    return at;
  };
const some = (read: Read): Read => inOrder(read, many(read));

/** Whether the 32 bytes before are all base64. */
const wrapped =
  (text: string): Read =>
  (place) =>
    /^[\w+/-]{32}$/.test(text.slice(Math.max(0, place.at - 32), place.at)) ? place : undefined;

function createSpeller(text: string, follows: boolean) {
  const { bytes, one, lineBreak, lineEnd } = createReaders(text, follows);
  const colour = one(COLOUR);
  const blank = firstOf(lineEnd, one('[\\t\\v\\f\\r ]'));
  const seam = inOrder(many(colour), blank, many(firstOf(colour, blank, one('\\xe2\\x94\\x82'))));
  const wrap = inOrder(one('(?=[\\r\\n])'), wrapped(text), seam);
  const way = (spelled: string): Read => {
    const [head = '', ...tail] = [...latin1(spelled)];
    return firstOf(
      bytes(latin1(spelled)),
      inOrder(bytes(head), ...tail.map((byte) => inOrder(maybe(lineBreak), bytes(byte)))),
    );
  };
  const joint = inOrder(many(colour), maybe(lineBreak));
  const joints = { plain: joint, json: joint, url: joint, base64: firstOf(wrap, joint) };
  const escapesOf = { plain: [], base64: [], json: [...WHITE].flatMap(jsonWays), url: [...WHITE].flatMap(urlWays) };

  function gap(kind: Kind, next: string): Read {
    const once = firstOf(seam, ...escapesOf[kind].map(way));
    if (kind !== 'url') return some(once);
    const withPlus = firstOf(once, bytes('+'));
    return inOrder(withPlus, many(next === '+' ? once : withPlus));
  }

  return (kind: Kind, tokens: readonly string[]): Read =>
    inOrder(
      ...tokens.flatMap((token, i) => {
        if (token === ' ') return [gap(kind, tokens[i + 1] ?? '')];
        const spelled = firstOf(...ways(kind, token).map(way));
        return i === 0 ? [spelled] : [joints[kind], spelled];
      }),
    );
}

function pieces(tokens: readonly string[]): string[][] {
  const found: string[][] = [];
  for (let start = 0; start === 0 || start < tokens.length - 1; start += 31) {
    let from = Math.max(0, Math.min(start, tokens.length - 32));
    let to = Math.min(tokens.length, from + 32);
    if (tokens[from] === ' ') from--;
    if (tokens[to - 1] === ' ') to++;
    found.push(tokens.slice(from, to));
  }
  return found;
}

function fold(text: string): string {
  return text
    .replace(new RegExp(COLOUR, 'g'), '')
    .replace(/[\t-\r ][\t-\r │]*/g, ' ')
    .replace(/^[ │]+| +$/g, '');
}

type Form = readonly [Kind, readonly string[]];

function formsOf(secret: string): Form[] {
  return [...new Set([secret, secret.normalize('NFC'), secret.normalize('NFD')])].flatMap(formsOfText);
}

function formsOfText(value: string): Form[] {
  if (Buffer.byteLength(fold(value)) < 6) return [];
  const texts = [value, ...value.split(/[\r\n]+/)].map(fold).filter((text) => Buffer.byteLength(text) >= 6);
  const spelled = texts.flatMap((text) =>
    (['plain', 'json', 'url'] as const).flatMap((kind) => pieces([...text]).map((tokens): Form => [kind, tokens])),
  );
  const bytes = Buffer.from(value.replace(/^[\t-\r ]+|[\t-\r ]+$/g, ''));
  const cores = ['', 'x', 'xx'].map((before, k) => {
    const whole = Buffer.concat([Buffer.from(before), bytes])
      .toString('base64')
      .replaceAll('=', '');
    return whole.slice([0, 2, 3][k], Math.floor(((before.length + bytes.length) * 4) / 3));
  });
  return [...spelled, ...cores.flatMap((core) => pieces([...core]).map((tokens): Form => ['base64', tokens]))];
}

function cover(covered: boolean[], from: number, { at, holes }: Place): void {
  let start = from;
  for (const [hole, end] of holes) {
    covered.fill(true, start, hole);
    start = end;
  }
  covered.fill(true, start, at);
}

function stretches(text: string, forms: readonly Form[]): boolean[] {
  const covered: boolean[] = Array(text.length).fill(false);
  const spellers = [createSpeller(text, true), createSpeller(text, false)];
  const byFirst = new Map<string, Read[]>();
  for (const [kind, tokens] of forms)
    for (const spell of spellers) {
      const read = spell(kind, tokens);
      const firsts = new Set(ways(kind, tokens[0] ?? '').map((way) => latin1(way).charAt(0)));
      for (const first of firsts) byFirst.set(first, [...(byFirst.get(first) ?? []), read]);
    }
  for (let at = 0; at < text.length; at++) {
    for (const read of byFirst.get(text.charAt(at)) ?? []) {
      const end = read({ at, holes: [] });
      if (end) cover(covered, at, end);
    }
  }
  return covered;
}

/** What a masker must make of the whole text. */
export function maskWhole(raw: Buffer, secrets: readonly Secret[]): Buffer {
  const text = raw.toString('latin1');
  const maskable = secrets.filter(({ value }) => Buffer.byteLength(fold(value)) >= 6);
  const covered = stretches(
    text,
    maskable.flatMap(({ value }) => formsOf(value)),
  );
  const shown = [...text].map((byte, i) => (covered[i] ? (i > 0 && covered[i - 1] ? '' : '[MASKED]') : byte));
  return Buffer.from(shown.join(''), 'latin1');
}
