import type { Document, Schema } from './document.ts';

/** Where a value does not match its schema, as sentences; nothing when it does. Knows what our document uses of JSON Schema. */
export function findSchemaMistakes(document: Document, value: unknown, given: Schema, path = 'the answer'): string[] {
  const schema = document.resolve(given);
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) {
    const all = options.map((option) => findSchemaMistakes(document, value, option, path));
    return all.some((mistakes) => mistakes.length === 0) ? [] : (all[0] ?? []);
  }
  const wrong = (what: string) => [`${path} is ${(JSON.stringify(value) ?? 'nothing').slice(0, 100)}, which ${what}.`];
  const kind = findKindMistake(value, schema);
  if (kind !== undefined) return wrong(kind);
  if (typeof value === 'string') return findTextMistakes(value, schema, wrong);
  if (typeof value === 'number') return isInRange(value, schema) ? [] : wrong('is out of range');
  if (Array.isArray(value))
    return value.flatMap((item, at) => findSchemaMistakes(document, item, schema.items ?? {}, `${path}[${at}]`));
  if (typeof value === 'object' && value !== null)
    return findObjectMistakes(document, value as Record<string, unknown>, schema, path);
  return [];
}

function findKindMistake(value: unknown, schema: Schema): string | undefined {
  if (schema.const !== undefined && value !== schema.const) return `is not ${JSON.stringify(schema.const)}`;
  if (schema.enum !== undefined && !schema.enum.includes(value)) return 'is not in the closed list';
  const types = schema.type === undefined ? undefined : [schema.type].flat();
  return types === undefined || types.some((type) => isOfType(value, type)) ? undefined : `is no ${types.join(' or ')}`;
}

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
  array: Array.isArray,
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};
const isOfType = (value: unknown, type: string): boolean => TYPES[type]?.(value) ?? false;

function findTextMistakes(value: string, schema: Schema, wrong: (what: string) => string[]): string[] {
  const { pattern, minLength = 0, maxLength = Number.POSITIVE_INFINITY, format } = schema;
  if (pattern !== undefined && !new RegExp(pattern, 'u').test(value)) return wrong(`does not match ${pattern}`);
  if (value.length < minLength || value.length > maxLength) return wrong('is too short or too long');
  return format === 'date-time' && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value) ? wrong('is no time') : [];
}

const isInRange = (value: number, { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity }: Schema) =>
  value >= minimum && value <= maximum && value > exclusiveMinimum;

function findObjectMistakes(
  document: Document,
  value: Record<string, unknown>,
  { properties = {}, required = [], additionalProperties }: Schema,
  path: string,
): string[] {
  const others = typeof additionalProperties === 'object' ? additionalProperties : {};
  return [
    ...required.filter((name) => !(name in value)).map((name) => `${path} has no ${name}.`),
    ...Object.entries(value).flatMap(([name, item]) =>
      findSchemaMistakes(document, item, properties[name] ?? others, `${path}.${name}`),
    ),
  ];
}
