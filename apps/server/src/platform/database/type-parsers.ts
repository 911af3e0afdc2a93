import { type CustomTypesConfig, types } from 'pg';

const { DATE, INT8, TIMESTAMP } = types.builtins;
const INT8_ARRAY = 1016;

/** Where we differ from pg, which gives booleans, small integers, JSON and `timestamptz` well and leaves the rest as text. */
const ours: Readonly<Record<number, (text: string) => unknown>> = {
  [INT8]: toSafeInteger,
  [INT8_ARRAY]: (text) => text.slice(1, -1).split(',').filter(Boolean).map(toElement),
  // Without a time zone there is no telling which moment is meant; nobody should be handed a guess as a Date.
  [TIMESTAMP]: (text) => text,
  [DATE]: (text) => text,
};

/** How values come out of PostgreSQL: `bigint` as a number, `timestamptz` as a Date, JSON parsed, `numeric` as text. */
export const typeParsers: CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text' | 'binary' = 'text') =>
    (format === 'text' ? ours[oid] : undefined) ??
    types.getTypeParser(oid, format)) as CustomTypesConfig['getTypeParser'],
};

/** Counters and sizes fit in 53 bits; one that does not must be an error, never a number that is nearly right. */
function toSafeInteger(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new Error(`The database holds the integer ${text}, which is too large to be read exactly as a number.`);
}

const toElement = (text: string): number | null => (text === 'NULL' ? null : toSafeInteger(text));
