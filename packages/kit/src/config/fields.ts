import { findDurationMs } from '../duration.ts';

/** What one key of a configuration may hold. Made by the functions below, never by hand. */
export interface Field<T> {
  /** Meaning and unit, for the reference. */
  doc: string;
  /** What may stand there, in words. */
  allowed: string;
  /** The value, or undefined when `raw` (a YAML scalar or list, or the text of an environment variable) is not allowed. */
  parse(raw: unknown): T | undefined;
  /** The value when nothing is given; without it the key is required. */
  fallback: { value: T } | undefined;
  /** Never printed, and may be given as the path of a file. */
  isSecret: boolean;
  /** Further names of environment variables, beside the one made from the key. */
  env: readonly string[];
}

interface Common<T> {
  doc: string;
  /** When not given, the key is required. */
  default?: T;
  env?: readonly string[];
}

/** A key that may be missing: its default is `undefined`. */
export const optional = <T>(field: Field<T>): Field<T | undefined> => ({ ...field, fallback: { value: undefined } });

/** Text, by default of at most 4096 characters. */
export function text(
  options: Common<string> & { pattern?: RegExp; allowed?: string; maxLength?: number },
): Field<string> {
  const { pattern, maxLength = 4096 } = options;
  const allowed =
    options.allowed ?? (pattern ? `text that matches ${pattern}` : `text of at most ${maxLength} characters`);
  return makeField(options, allowed, (raw) => {
    const value = asText(raw);
    return value !== undefined && value.length <= maxLength && (pattern?.test(value) ?? true) ? value : undefined;
  });
}

/** One of a few words. */
export const choice = <const W extends string>(words: readonly W[], options: Common<W>): Field<W> =>
  makeField(options, words.map((word) => `"${word}"`).join(', '), (raw) => words.find((word) => word === raw));

/** A number within bounds, whole unless `fraction` is set. */
export function number(options: Common<number> & { min?: number; max?: number; fraction?: boolean }): Field<number> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER, fraction = false } = options;
  const kind = fraction ? 'a number' : 'a whole number';
  return makeField(options, `${kind} ${bounds(min, max)}`, (raw) => {
    const value = typeof raw === 'string' && /^-?\d+(\.\d+)?$/.test(raw) ? Number(raw) : raw;
    if (typeof value !== 'number' || !(fraction ? Number.isFinite(value) : Number.isInteger(value))) return undefined;
    return value >= min && value <= max ? value : undefined;
  });
}

/** A length of time (`30s`, `1h30m`; bare numbers are seconds); the value is in milliseconds. Bounds are written the same way. */
export function duration(options: Common<string> & { min?: string; max?: string }): Field<number> {
  const { default: fallback, min = '0s', max = '365d', ...rest } = options;
  const [minMs, maxMs] = [mustBeDuration(min), mustBeDuration(max)];
  const common = fallback === undefined ? rest : { ...rest, default: mustBeDuration(fallback) };
  return makeField(common, `a duration such as 30s or 5m, from ${min} to ${max}`, (raw) => {
    const ms = findDurationMs(asText(raw) ?? '');
    return ms !== undefined && ms >= minMs && ms <= maxMs ? ms : undefined;
  });
}

const TRUTH: Readonly<Record<string, boolean>> = { true: true, false: false, yes: true, no: false, 1: true, 0: false };

/** Yes or no. */
export const bool = (options: Common<boolean>): Field<boolean> =>
  makeField(options, 'true or false', (raw) => TRUTH[String(raw).toLowerCase()]);

/** A list of texts; in an environment variable separated by commas. */
export function list(
  options: Common<readonly string[]> & { pattern?: RegExp; allowed?: string },
): Field<readonly string[]> {
  const { pattern, allowed = pattern ? `a list of texts that match ${pattern}` : 'a list of texts' } = options;
  return makeField(options, allowed, (raw) => {
    const items = typeof raw === 'string' ? raw.split(',').map((item) => item.trim()) : raw;
    if (!Array.isArray(items)) return undefined;
    const texts = items
      .map(asText)
      .filter((item) => item !== undefined && item !== '' && (pattern?.test(item) ?? true));
    return texts.length === items.length ? (texts as string[]) : undefined;
  });
}

/** A secret: text that is never printed. `<key>_file` or `<ENV>_FILE` names a file to read it from instead. */
export const secret = (options: Common<string> & { pattern?: RegExp; allowed?: string }): Field<string> => ({
  ...text(options),
  isSecret: true,
});

function makeField<T>(options: Common<T>, allowed: string, parse: (raw: unknown) => T | undefined): Field<T> {
  const { doc, default: fallback, env = [] } = options;
  return {
    doc,
    allowed,
    parse,
    fallback: fallback === undefined ? undefined : { value: fallback },
    isSecret: false,
    env,
  };
}

/** YAML reads `1.8` or `true` as something else than text; where text is wanted, numbers are taken as they print. */
const asText = (raw: unknown): string | undefined => {
  if (typeof raw === 'string') return raw;
  return typeof raw === 'number' ? String(raw) : undefined;
};

function bounds(min: number, max: number): string {
  return max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
}

function mustBeDuration(written: string): number {
  const ms = findDurationMs(written);
  if (ms === undefined) throw new Error(`"${written}" in a configuration's specification is no duration.`);
  return ms;
}
