import { type RawBuilder, sql } from 'kysely';

/**
 * A column whose values are sealed, and what each was sealed for. Every such column is told to the re-encryption, or what it
 * holds stays under its old key for ever; a test compares them with the schema.
 */
export interface SealedColumn {
  table: string;
  column: string;
  /** The primary key. */
  ids: readonly string[];
  /** What the expressions below speak of; the sealed table itself is `t`. */
  from: RawBuilder<unknown>;
  organization: RawBuilder<unknown>;
  /** The purpose and subject that {@link Sealer.seal} was given, as SQL over the row. */
  purpose: RawBuilder<unknown>;
  subject: RawBuilder<unknown>;
}

export const nameOf = ({ table, column }: SealedColumn): string => `${table}.${column}`;

/**
 * The data key that a row is sealed with, from the head of its envelope; null when nothing is sealed there. Only the head is
 * read of a large value.
 */
export const keyIdOf = ({ column }: SealedColumn): RawBuilder<string> => {
  const value = sql.ref(`t.${column}`);
  return sql`CASE WHEN octet_length(${value}) > 2 THEN
    encode(substring(${value} FROM 3 FOR get_byte(substring(${value} FROM 2 FOR 1), 0)), 'escape') END`;
};

export const idsOf = ({ ids }: SealedColumn) => sql.join(ids.map((id) => sql.ref(`t.${id}`)));
