import fc from 'fast-check';
import type { Document, Schema } from './document.ts';
import { MARK_BY_FIELD, MARK_BY_PREFIX, markOf } from './known.ts';

const CHECKSUMS = ['a'.repeat(64), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'];
const TIMES = ['2026-01-31T12:00:00.000Z', '1970-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'];

/** Values that match a schema, or nearly: what the schema cannot say, such as a rule between two fields, they may break. */
export function arbitraryOf(document: Document, given: Schema): fc.Arbitrary<unknown> {
  const schema = document.resolve(given);
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return fc.oneof(...options.map((option) => arbitraryOf(document, option)));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (Array.isArray(schema.type))
    return fc.oneof(...schema.type.map((type) => arbitraryOf(document, { ...schema, type })));
  switch (schema.type) {
    case 'string':
      return textOf(schema);
    case 'integer':
    case 'number':
      return numberOf(schema);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(arbitraryOf(document, schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 4, 4),
      });
    case 'object':
      return objectOf(document, schema);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function textOf({ pattern = '', format, minLength = 0, maxLength = 200 }: Schema): fc.Arbitrary<string> {
  const prefix = /^\^([a-z]+)-\[a-z0-9\]/.exec(pattern)?.[1];
  if (prefix !== undefined) return idOf(prefix);
  if (pattern === '^[0-9a-f]{64}$') return fc.constantFrom(...CHECKSUMS);
  if (format === 'date-time') return fc.constantFrom(...TIMES);
  if (format === 'email') return fc.constantFrom('a@example.com', 'ü@example.com');
  if (format === 'base64') return fc.base64String({ maxLength: 40 });
  const limits = { minLength, maxLength: Math.max(minLength, Math.min(maxLength, 60)) };
  const plain = fc.string({ unit: 'grapheme', ...limits });
  return pattern === '' ? plain : fc.oneof(plain, matching(pattern, limits.maxLength));
}

function matching(pattern: string, maxLength: number): fc.Arbitrary<string> {
  try {
    return fc.stringMatching(new RegExp(pattern, 'u'), { size: 'small' }).map((text) => text.slice(0, maxLength));
  } catch {
    // Not every expression can be run backwards.
    return fc.constantFrom('a', 'a.b', '1.11.4');
  }
}

/** Mostly something that is there, else an id that looks like one. */
function idOf(prefix: string): fc.Arbitrary<string> {
  const name = MARK_BY_PREFIX[prefix];
  const unknown = fc.constantFrom(`${prefix}-aaaaaaaaaaaaaaaaaaaa`, `${prefix}-zzzzzzzz`);
  return name === undefined ? unknown : fc.oneof({ arbitrary: fc.constant(markOf(name)), weight: 5 }, unknown);
}

function numberOf({ type, minimum = -1000, maximum = 1000, exclusiveMinimum }: Schema): fc.Arbitrary<number> {
  const least = exclusiveMinimum === undefined ? minimum : exclusiveMinimum + 1;
  const bounds = fc.constantFrom(least, maximum);
  if (type === 'integer') return fc.oneof(bounds, fc.integer({ min: least, max: Math.min(maximum, least + 1_000) }));
  return fc.oneof(bounds, fc.double({ min: least, max: maximum, noNaN: true, noDefaultInfinity: true }));
}

function fieldOf(document: Document, name: string, schema: Schema): fc.Arbitrary<unknown> {
  const mark = MARK_BY_FIELD[name];
  const any = arbitraryOf(document, schema);
  if (mark === undefined || schema.type !== 'string' || schema.pattern?.includes('-[a-z0-9]')) return any;
  return fc.oneof({ arbitrary: fc.constant(markOf(mark)), weight: 4 }, any);
}

function objectOf(
  document: Document,
  { properties, required = [], additionalProperties }: Schema,
): fc.Arbitrary<object> {
  if (properties === undefined) {
    const values = typeof additionalProperties === 'object' ? additionalProperties : {};
    const keys = fc.constantFrom('region', 'a', 'main.tf', 'main', 'x.y', '__proto__', 'constructor', 'ü');
    return fc.dictionary(keys, arbitraryOf(document, values), { maxKeys: 3 });
  }
  const fields = Object.entries(properties).map(([name, schema]) => [name, fieldOf(document, name, schema)] as const);
  return fc.record(Object.fromEntries(fields), { requiredKeys: required.filter((name) => name in properties) });
}
