/** A number that JavaScript's own would change; `source` is how it was written. Becomes `{"$number": "<source>"}` in JSON. */
export class ExactNumber {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
  toJSON(): { $number: string } {
    return { $number: this.source };
  }
}

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;
const parse = JSON.parse as (text: string, reviver?: Reviver) => unknown;

// At most 15 digits and a small exponent survive the way through a double; this also matches inside of strings, which only
// costs the slower way.
const RISKY = /[\d.]{16}|\d[eE][+-]?\d{3}/;

/**
 * JSON.parse, except that numbers which would lose digits become {@link ExactNumber}: identifiers beyond 2^53 and long
 * decimals come out as they were planned.
 * @throws SyntaxError as JSON.parse does.
 */
export function parseExactJson(text: string): unknown {
  if (!RISKY.test(text)) return parse(text);
  return parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && !isSame(source, value) ? new ExactNumber(source) : value,
  );
}

function isSame(source: string, value: number): boolean {
  if (source.length <= 15 && !/[eE]/.test(source)) return true;
  return Number.isFinite(value) && normalise(source) === normalise(String(value));
}

/** Sign, digits and exponent of a decimal, so that `1.50`, `15e-1` and `1.5` are alike. */
function normalise(decimal: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(decimal);
  if (!match) return decimal;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}
