import type { z } from 'zod';

type Issue = z.core.$ZodIssue;
type Option = Pick<z.ZodObject, 'shape' | 'safeParse'>;

/**
 * What is wrong with a body that may be one of several, in place of "Invalid input": the mistakes of the one that it names most
 * fields of. Nothing where the schema is no such choice.
 */
export function findUnionMistakes(schema: z.ZodType, given: unknown): readonly Issue[] | undefined {
  const options = 'options' in schema ? (schema.options as unknown[]) : [];
  if (options.length === 0 || !options.every(isObjectSchema) || !isObject(given)) return undefined;
  const counts = options.map(({ shape }) => Object.keys(shape).filter((name) => Object.hasOwn(given, name)).length);
  const most = Math.max(...counts);
  const [meant, ...others] = options.filter((_option, at) => counts[at] === most);
  if (meant === undefined || others.length > 0)
    return [{ code: 'custom', path: [], message: describe(options), input: given }];
  return meant.safeParse(given).error?.issues;
}

const describe = (options: readonly Option[]): string => `must have ${options.map(describeNeeded).join(', or ')}`;
const describeNeeded = ({ shape }: Option): string =>
  Object.entries(shape)
    .filter(([, field]) => !(field as z.ZodType).safeParse(undefined).success)
    .map(([name]) => name)
    .join(' and ');

const isObjectSchema = (option: unknown): option is Option =>
  typeof option === 'object' && option !== null && 'shape' in option;
const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
