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
  /** Whether an empty value in a file is a value of its own. Elsewhere, and in the environment always, empty counts as not given. */
  takesEmpty: boolean;
  /** The default as people write it, where that is not its JSON. */
  writtenDefault?: string;
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
  options: Common<string> & { pattern?: RegExp; allowed?: string; maxLength?: number; takesEmpty?: boolean },
): Field<string> {
  const { pattern, maxLength = 4096, takesEmpty = false } = options;
  const allowed =
    options.allowed ?? (pattern ? `text that matches ${pattern}` : `text of at most ${maxLength} characters`);
  const field = makeField(options, allowed, (raw) => {
    const value = asText(raw);
    return value !== undefined && value.length <= maxLength && (pattern?.test(value) ?? true) ? value : undefined;
  });
  return { ...field, takesEmpty };
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
  const field = makeField(common, `a duration such as 30s or 5m, from ${min} to ${max}`, (raw) => {
    const ms = findDurationMs(asText(raw) ?? '');
    return ms !== undefined && ms >= minMs && ms <= maxMs ? ms : undefined;
  });
  return fallback === undefined ? field : { ...field, writtenDefault: fallback };
}

/** A number of bytes (`20MB`, `512KiB`; bare numbers are bytes). Bounds are written the same way. */
export function bytes(options: Common<string> & { min: string; max: string }): Field<number> {
  const { default: fallback, min, max, ...rest } = options;
  const [least, most] = [mustBeBytes(min), mustBeBytes(max)];
  const common = fallback === undefined ? rest : { ...rest, default: mustBeBytes(fallback) };
  const field = makeField(common, `a size such as 20MB or 512KiB, from ${min} to ${max}`, (raw) => {
    const value = findBytes(asText(raw) ?? '');
    return value !== undefined && value >= least && value <= most ? value : undefined;
  });
  return fallback === undefined ? field : { ...field, writtenDefault: fallback };
}

const TRUTH: Readonly<Record<string, boolean>> = { true: true, false: false, yes: true, no: false, 1: true, 0: false };

/** Yes or no. */
export const bool = (options: Common<boolean>): Field<boolean> =>
  makeField(options, 'true or false', (raw) => TRUTH[String(raw).toLowerCase()]);

export interface ListOptions extends Common<readonly string[]> {
  pattern?: RegExp;
  allowed?: string;
  /** Longest list; 1,000 when not given. */
  maxItems?: number;
  /** A map `{a: b}` is taken as the list `[a=b]`. */
  takesMap?: boolean;
}

/** A list of texts; in an environment variable separated by commas. */
export function list(options: ListOptions): Field<readonly string[]> {
  const { pattern, maxItems = 1_000, takesMap = false } = options;
  const allowed = options.allowed ?? (pattern ? `a list of texts that match ${pattern}` : 'a list of texts');
  return makeField(options, allowed, (raw) => {
    const items = toItems(raw, takesMap);
    if (items === undefined || items.length > maxItems) return undefined;
    const texts = items
      .map(asText)
      .filter((item) => item !== undefined && item !== '' && (pattern?.test(item) ?? true));
    return texts.length === items.length ? (texts as string[]) : undefined;
  });
}

function toItems(raw: unknown, takesMap: boolean): readonly unknown[] | undefined {
  if (typeof raw === 'string') return raw.split(',').map((item) => item.trim());
  if (Array.isArray(raw)) return raw;
  if (!takesMap || typeof raw !== 'object' || raw === null) return undefined;
  return Object.entries(raw).map(([key, value]) => (asText(value) === undefined ? undefined : `${key}=${value}`));
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
    takesEmpty: false,
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

const BYTES_OF: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

function findBytes(written: string): number | undefined {
  const [, amount, unit = 'B'] = /^(\d+(?:\.\d+)?)\s?([A-Za-z]+)?$/.exec(written) ?? [];
  const factor = BYTES_OF[unit];
  return amount === undefined || factor === undefined ? undefined : Math.round(Number(amount) * factor);
}

function mustBeBytes(written: string): number {
  const value = findBytes(written);
  if (value === undefined) throw new Error(`"${written}" in a configuration's specification is no size.`);
  return value;
}

function mustBeDuration(written: string): number {
  const ms = findDurationMs(written);
  if (ms === undefined) throw new Error(`"${written}" in a configuration's specification is no duration.`);
  return ms;
}
