import { ESC } from './text.ts';

/** One way of writing text down. A secret is looked for in each. */
export interface Spelling {
  readonly name: 'plain' | 'json' | 'url' | 'base64';
  /** How a character may be written, the preferred way first. */
  ways(codePoint: number): readonly Buffer[];
  /** 1 for the ASCII characters that are written in one way only, as themselves. Most are, and are compared at once. */
  readonly single: Uint8Array;
  /** How white space may be written beside white space itself. */
  readonly whiteWays: readonly Buffer[];
  /** Whether line breaks may stand between any two characters. */
  readonly wraps: boolean;
}

const WHITE = [0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20];
const PLUS = '+';

/** Escapes of JSON, of JavaScript, and of Go's %q, which is what Terraform prints strings with. */
const SHORT_ESCAPES: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  34: '\\"',
  39: "\\'",
  47: '\\/',
  92: '\\\\',
};

function bothCases(escaped: string, hex: string): string[] {
  return [...new Set([escaped + hex.toLowerCase(), escaped + hex.toUpperCase()])];
}

function hexUnits(text: string, digits: (unit: string) => string, mark: string): string[] {
  const units = Array.from({ length: text.length }, (_, i) => digits(text.charCodeAt(i).toString(16).padStart(4, '0')));
  const lower = units.map((unit) => mark + unit.toLowerCase()).join('');
  const upper = units.map((unit) => mark + unit.toUpperCase()).join('');
  return [...new Set([lower, upper])];
}

function jsonEscapes(codePoint: number): string[] {
  const short = SHORT_ESCAPES[codePoint];
  const hex = codePoint.toString(16);
  const unicode = hexUnits(String.fromCodePoint(codePoint), (unit) => unit, '\\u');
  const byte = codePoint < 0x80 ? bothCases('\\x', hex.padStart(2, '0')) : [];
  const long = codePoint > 0xffff ? bothCases('\\U', hex.padStart(8, '0')) : [];
  return [...(short ? [short] : []), ...unicode, ...byte, ...long];
}

function urlEscapes(codePoint: number): string[] {
  const hex = Buffer.from(String.fromCodePoint(codePoint)).toString('hex');
  const encode = (digits: string) => digits.replace(/../g, '%$&');
  return [...new Set([encode(hex.toUpperCase()), encode(hex.toLowerCase())])];
}

function singlesOf(ways: Spelling['ways']): Uint8Array {
  return Uint8Array.from({ length: 0x80 }, (_, code) => (ways(code).length === 1 && code !== ESC ? 1 : 0));
}

function isAlphanumeric(codePoint: number): boolean {
  return codePoint < 0x80 && /[a-z\d]/i.test(String.fromCharCode(codePoint));
}

function toBuffers(texts: readonly string[]): Buffer[] {
  return texts.map((text) => Buffer.from(text));
}

function remember(compute: (codePoint: number) => Buffer[]): (codePoint: number) => readonly Buffer[] {
  const known = new Map<number, Buffer[]>();
  return (codePoint) => {
    const ways = known.get(codePoint) ?? compute(codePoint);
    known.set(codePoint, ways);
    return ways;
  };
}

function escaping(isPlain: (codePoint: number) => boolean, escapes: (codePoint: number) => string[]) {
  return remember((codePoint) => {
    const itself = String.fromCodePoint(codePoint);
    return toBuffers(isPlain(codePoint) ? [itself] : [...escapes(codePoint), itself]);
  });
}

function createSpelling(
  name: Spelling['name'],
  ways: Spelling['ways'],
  whiteWays: readonly Buffer[] = [],
  wraps = false,
): Spelling {
  return { name, ways, single: singlesOf(ways), whiteWays, wraps };
}

/** The four spellings. One table of ways per character is shared by everything that uses the same object. */
export function createSpellings(): { plain: Spelling; json: Spelling; url: Spelling; base64: Spelling } {
  const isUnreserved = (codePoint: number) => isAlphanumeric(codePoint) || [0x2d, 0x2e, 0x5f, 0x7e].includes(codePoint);
  const itself = escaping(
    () => true,
    () => [],
  );
  return {
    plain: createSpelling('plain', itself),
    json: createSpelling('json', escaping(isAlphanumeric, jsonEscapes), toBuffers(WHITE.flatMap(jsonEscapes))),
    url: createSpelling('url', escaping(isUnreserved, urlEscapes), toBuffers([...WHITE.flatMap(urlEscapes), PLUS])),
    base64: createSpelling('base64', remember(base64Ways), [], true),
  };
}

/** Standard and URL alphabet differ in two characters. */
function base64Ways(codePoint: number): Buffer[] {
  if (codePoint === 0x2b) return toBuffers(['+', '-']);
  if (codePoint === 0x2f) return toBuffers(['/', '_']);
  return toBuffers([String.fromCodePoint(codePoint)]);
}
