import { DatabaseError, type DatabaseErrorKind } from './database-error.ts';

const KINDS: Readonly<Record<string, DatabaseErrorKind>> = {
  '23505': 'unique',
  '23503': 'foreign_key',
  '23514': 'check',
  '23502': 'not_null',
  '23P01': 'exclusion',
  '40001': 'serialization',
  '40P01': 'deadlock',
  '55P03': 'lock_timeout',
  '57014': 'statement_timeout',
  // A session that PostgreSQL itself ends: shut down, crashed, too long idle in a transaction.
  '57P01': 'disconnected',
  '57P02': 'disconnected',
  '25P03': 'disconnected',
  '57P03': 'unavailable',
  '53300': 'unavailable',
  '53100': 'full',
};

/** Class of a SQLSTATE, its first two characters, where the whole class means one thing. */
const CLASSES: Readonly<Record<string, DatabaseErrorKind>> = { '08': 'disconnected', '22': 'bad_value' };

/** System error codes of a connection that broke or was refused. */
const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT']);
const REFUSED = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'EAI_AGAIN',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
]);

/** What pg says, without a code, when the other side has gone. */
const PG_DISCONNECTED =
  /^(Connection terminated|timeout expired|Client has encountered a connection error|Client was closed)/;
/** What pg's pool says when none of its sessions came free in time. */
const POOL_EXHAUSTED = 'timeout exceeded when trying to connect';

interface Raw {
  code?: string;
  message: string;
  severity?: string;
  constraint?: string;
  table?: string;
  column?: string;
}

/** Turns whatever a statement threw into a {@link DatabaseError}; one that is one already stays. */
export function translateError(error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const raw: Raw = error instanceof Error ? error : { message: String(error) };
  if (raw.severity === undefined) return fromDriver(raw);
  const sqlState = raw.code ?? 'XX000';
  const kind = KINDS[sqlState] ?? CLASSES[sqlState.slice(0, 2)] ?? 'other';
  const { constraint, table, column } = raw;
  return new DatabaseError(explain(kind, sqlState, raw.message), { kind, sqlState, constraint, table, column });
}

/** As {@link translateError}, for a session that could not be had: then nothing can have been carried out. */
export function translateConnectError(error: unknown): DatabaseError {
  const raw: Raw = error instanceof Error ? error : { message: String(error) };
  if (raw.message === POOL_EXHAUSTED)
    return new DatabaseError('Every session with the database was busy for too long.', { kind: 'busy' });
  const translated = translateError(error);
  if (!REFUSED.has(raw.code ?? '') && translated.kind !== 'unavailable' && translated.kind !== 'disconnected')
    return translated;
  const message = `The database cannot be reached: ${raw.message || raw.code}.`;
  return new DatabaseError(message, { kind: 'unavailable', sqlState: translated.sqlState });
}

function fromDriver(raw: Raw): DatabaseError {
  if (BROKEN.has(raw.code ?? '') || PG_DISCONNECTED.test(raw.message))
    return new DatabaseError('The session with the database broke.', { kind: 'disconnected' });
  return new DatabaseError(raw.message, { kind: 'other' });
}

/** PostgreSQL quotes a value that it cannot read ("invalid input syntax for type bigint: …"); that one must not travel on. */
const explain = (kind: DatabaseErrorKind, sqlState: string, message: string): string =>
  kind === 'bad_value' ? `PostgreSQL refused a value (SQLSTATE ${sqlState}).` : message;
