import fc from 'fast-check';
import { nastyJson } from './nasty.ts';

/** Changes one place of a value: which, how, and what comes there. */
export interface Mutation {
  readonly at: readonly number[];
  readonly how: 'replace' | 'remove' | 'add';
  readonly by: unknown;
  readonly key: string;
}
export const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.array(fc.nat(30), { minLength: 1, maxLength: 3 }),
  how: fc.constantFrom('replace', 'remove', 'add'),
  by: nastyJson,
  key: fc.constantFrom(
    'from_the_future',
    '__proto__',
    'constructor',
    '',
    '\u0000',
    'id',
    'organization_id',
    'toString',
  ),
});

export function mutate(value: unknown, { at: [first = 0, ...deeper], how, by, key }: Mutation): unknown {
  if (typeof value !== 'object' || value === null) return by;
  const names = Object.keys(value);
  if (how === 'add' || names.length === 0) return Array.isArray(value) ? [...value, by] : { ...value, [key]: by };
  const name = names[first % names.length] as string;
  const inside = (value as Record<string, unknown>)[name];
  const next = deeper.length > 0 ? mutate(inside, { at: deeper, how, by, key }) : by;
  const entries = Object.entries(value).flatMap((entry) => {
    if (entry[0] !== name) return [entry];
    return how === 'remove' && deeper.length === 0 ? [] : [[name, next] as [string, unknown]];
  });
  return Array.isArray(value) ? entries.map(([, item]) => item) : Object.fromEntries(entries);
}
