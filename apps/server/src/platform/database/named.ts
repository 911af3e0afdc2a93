import { type RawBuilder, sql } from 'kysely';

const COMMENT = /^\/\* named (\w+) \*\/|\/\* named (\w+) \*\/$/;

/**
 * Stands at the head of a hot statement, sql`${named('claim_offer')} UPDATE …`, or at its end (`modifyEnd`). PostgreSQL then parses and plans it once per
 * session instead of once per call (on a unix socket a lookup by key drops from 0.10–0.15 to 0.02–0.10 ms). One name, one
 * text: a text that differs between calls, such as an `IN` list of changing length, is refused by pg.
 *
 * @param name lower case, at most 63 characters
 */
export const named = (name: string): RawBuilder<unknown> => sql.raw(`/* named ${name} */`);

/** The name given by {@link named}, if the statement has one. */
export function findStatementName(text: string): string | undefined {
  const found = text.includes('/* named ') ? COMMENT.exec(text) : null;
  return found?.[1] ?? found?.[2];
}
