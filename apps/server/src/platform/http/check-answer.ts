import type { z } from 'zod';

/**
 * Holds an answer against its schema and refuses fields the schema does not know: what is not documented may be something that
 * must not leave the server.
 */
export function checkAnswer(name: string, schema: z.ZodType | undefined, answer: unknown): void {
  if (schema === undefined) throw new Error(`The route ${name} answers with a body that the table does not know.`);
  const sent: unknown = JSON.parse(JSON.stringify(answer));
  const result = schema.safeParse(sent);
  if (!result.success) throw new Error(`The answer of ${name} is not as documented: ${result.error.message}`);
  const extra = findExtra(sent, result.data, '');
  if (extra !== undefined) throw new Error(`The answer of ${name} has the field ${extra}, which is not documented.`);
}

/** Path of the first thing in `sent` that `known` lacks. */
function findExtra(sent: unknown, known: unknown, path: string): string | undefined {
  if (typeof sent !== 'object' || sent === null) return undefined;
  if (typeof known !== 'object' || known === null) return path;
  for (const [key, value] of Object.entries(sent)) {
    const here = path === '' ? key : `${path}.${key}`;
    if (!(key in known)) return here;
    const extra = findExtra(value, (known as Record<string, unknown>)[key], here);
    if (extra !== undefined) return extra;
  }
  return undefined;
}
