/**
 * What went wrong, as far as code decides by it.
 * - `disconnected`: the session broke while a statement ran; it may or may not have been carried out.
 * - `outcome_unknown`: the session broke during COMMIT.
 * - `unavailable`: PostgreSQL could not be reached; nothing was carried out.
 * - `busy`: every session of the pool was in use for too long; nothing was carried out.
 */
export type DatabaseErrorKind =
  | 'unique'
  | 'foreign_key'
  | 'check'
  | 'not_null'
  | 'exclusion'
  | 'bad_value'
  | 'serialization'
  | 'deadlock'
  | 'lock_timeout'
  | 'statement_timeout'
  | 'disconnected'
  | 'outcome_unknown'
  | 'unavailable'
  | 'busy'
  | 'full'
  | 'other';

export interface DatabaseErrorFacts {
  kind: DatabaseErrorKind;
  /** https://www.postgresql.org/docs/current/errcodes-appendix.html; undefined when the trouble is not PostgreSQL's own. */
  sqlState?: string | undefined;
  /** Name of the constraint or unique index that refused, as the schema names it. */
  constraint?: string | undefined;
  table?: string | undefined;
  column?: string | undefined;
}

/** The one error that leaves the database layer. It never carries a value of a row: no detail line, no parameter. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  readonly kind: DatabaseErrorKind;
  readonly sqlState: string | undefined;
  readonly constraint: string | undefined;
  readonly table: string | undefined;
  readonly column: string | undefined;

  constructor(message: string, facts: DatabaseErrorFacts) {
    super(message);
    this.kind = facts.kind;
    this.sqlState = facts.sqlState;
    this.constraint = facts.constraint;
    this.table = facts.table;
    this.column = facts.column;
  }
}

/** Whether a statement failed in this way, and on this constraint when one is named. */
export const isDatabaseError = (error: unknown, kind: DatabaseErrorKind, constraint?: string): error is DatabaseError =>
  error instanceof DatabaseError &&
  error.kind === kind &&
  (constraint === undefined || error.constraint === constraint);
