import type { Mistake, RouteSpec } from '@groundcrew/protocol';
import type { z } from 'zod';
import { invalidRequest } from './app-error.ts';
import { findUnionMistakes } from './union-mistakes.ts';

/** The parts of a request that schemas speak of, as they came. */
export interface Parts {
  params: unknown;
  query: unknown;
  headers: unknown;
  body: unknown;
}
type PartName = keyof Parts;

/** What checking the parts needs of a route. */
type Schemas = Pick<RouteSpec, PartName>;

const PARTS: readonly PartName[] = ['params', 'query', 'headers', 'body'];

/**
 * Checks every part against its schema and gives what the schemas made of them; parts without a schema are undefined. All
 * mistakes of all parts are told at once (`invalid_request`). `skipBody` for a route that got raw bytes instead.
 */
export function parseInput(spec: Schemas, parts: Parts, skipBody = false): Parts {
  const parsed: Parts = { params: undefined, query: undefined, headers: undefined, body: undefined };
  const mistakes: Mistake[] = [];
  for (const name of PARTS) {
    const schema = spec[name];
    if (schema === undefined || (skipBody && name === 'body')) continue;
    const given = name === 'body' ? (parts.body ?? {}) : parts[name];
    const result = schema.safeParse(given);
    if (result.success) parsed[name] = result.data;
    else
      mistakes.push(
        ...(findUnionMistakes(schema, given) ?? result.error.issues).map((issue) => toMistake(name, issue)),
      );
  }
  if (mistakes.length > 0) throw invalidRequest(mistakes);
  return parsed;
}

/** Mistakes in the body are named by their field alone, since that is what people look at. */
const toMistake = (part: PartName, issue: z.core.$ZodIssue): Mistake => ({
  path: [...(part === 'body' ? [] : [part]), ...issue.path].map(String).join('.').slice(0, 200),
  message: issue.message.slice(0, 500),
});
