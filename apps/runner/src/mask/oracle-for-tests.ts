import type { Secret } from './forms.ts';

// The same masking said in another way, for tests: whole text at once, one regular expression a piece, every start
// tried. It shares no code with what it judges.

const COLOUR = '\\x1b\\[[\\d;:]*[mK]';
const PREFIX = `[^\\n]+? \\([a-z][a-z-]*\\):(?:${COLOUR})* (?:${COLOUR})*`;
const BLANK = `(?:\\n(?:${PREFIX})?|[\\t\\v\\f\\r ])`;
const BAR = '\\xe2\\x94\\x82';
const SEAM = `(?:${COLOUR})*${BLANK}(?:${COLOUR}|${BLANK}|${BAR})*`;
const WHITE = '\t\n\v\f\r ';

type Kind = 'plain' | 'json' | 'url' | 'base64';

const latin1 = (text: string) => Buffer.from(text).toString('latin1');
const quote = (bytes: string) =>
  bytes.replace(/[\s\S]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
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

function gap(kind: Kind, next: string): string {
  const escapes = kind === 'json' ? [...WHITE].flatMap(jsonWays) : kind === 'url' ? [...WHITE].flatMap(urlWays) : [];
  const once = [SEAM, ...escapes.map(quote)];
  if (kind !== 'url') return `(?:${once.join('|')})+`;
  const plus = quote('+');
  return `(?:${[...once, plus].join('|')})(?:${once.join('|')}${next === '+' ? '' : `|${plus}`})*`;
}

/** A line break that Terraform put into a provisioner's line, up to where the line goes on; else nothing. */
const BREAK = 'break';
const START = new RegExp(`^${PREFIX}`);

/** Parts that follow each other; what one has taken is not given back. */
type Expression = readonly (RegExp | typeof BREAK)[];

function endOfBreak(text: string, at: number): number | undefined {
  const start = at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1;
  const prefix =
    text[at] === '\n' && at - start <= 8192 ? START.exec(text.slice(start, Math.min(at, start + 512)))?.[0] : undefined;
  if (prefix === undefined) return undefined;
  for (let line = at + 1; line > 0 && line - at <= 4096; line = text.indexOf('\n', line) + 1)
    if (text.startsWith(prefix, line)) return line + prefix.length;
  return undefined;
}

const known = new Map<string, RegExp>();
function part(source: string): RegExp {
  const regExp = known.get(source) ?? new RegExp(source, 'y');
  known.set(source, regExp);
  return regExp;
}

function endOfMatch(expression: Expression, text: string, at: number): number | undefined {
  let end = at;
  let broken = false;
  for (const regExp of expression) {
    if (regExp === BREAK) {
      const behind = endOfBreak(text, end);
      broken = behind !== undefined;
      end = behind ?? end;
      continue;
    }
    // The joint that a break takes the place of.
    if (broken) {
      broken = false;
      continue;
    }
    regExp.lastIndex = end;
    if (!regExp.test(text)) return undefined;
    end = regExp.lastIndex;
  }
  return end;
}

const COLOURS = `(?:${COLOUR})*`;
const WRAP = `(?:(?<=[\\w+/-]{32})(?=[\\r\\n])${SEAM}|${COLOURS})`;

function expressionOf(kind: Kind, tokens: readonly string[]): Expression {
  return tokens.flatMap((token, i) => {
    if (token === ' ') return [part(gap(kind, tokens[i + 1] ?? ''))];
    const spelled = part(
      ways(kind, token)
        .map((way) => quote(latin1(way)))
        .join('|'),
    );
    return i === 0 ? [spelled] : [BREAK, part(kind === 'base64' ? WRAP : COLOURS), spelled];
  });
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

function expressionsOf(value: string): Expression[] {
  const texts = [value, ...value.split(/[\r\n]+/)].map(fold).filter((text) => Buffer.byteLength(text) >= 6);
  const spelled = texts.flatMap((text) =>
    (['plain', 'json', 'url'] as const).flatMap((kind) =>
      pieces([...text]).map((tokens) => expressionOf(kind, tokens)),
    ),
  );
  const bytes = Buffer.from(value.replace(/^[\t-\r ]+|[\t-\r ]+$/g, ''));
  const cores = ['', 'x', 'xx'].map((before, k) => {
    const whole = Buffer.concat([Buffer.from(before), bytes])
      .toString('base64')
      .replaceAll('=', '');
    return whole.slice([0, 2, 3][k], Math.floor(((before.length + bytes.length) * 4) / 3));
  });
  return [...spelled, ...cores.flatMap((core) => pieces([...core]).map((tokens) => expressionOf('base64', tokens)))];
}

function stretches(text: string, expressions: readonly Expression[]): boolean[] {
  const covered: boolean[] = Array(text.length).fill(false);
  for (let at = 0; at < text.length; at++) {
    for (const expression of expressions) {
      const end = endOfMatch(expression, text, at);
      if (end !== undefined) covered.fill(true, at, end);
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
    maskable.flatMap(({ value }) => expressionsOf(value)),
  );
  const shown = [...text].map((byte, i) => (covered[i] ? (i > 0 && covered[i - 1] ? '' : '[MASKED]') : byte));
  return Buffer.from(shown.join(''), 'latin1');
}
