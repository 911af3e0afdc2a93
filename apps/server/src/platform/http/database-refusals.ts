import type { DatabaseError, DatabaseErrorKind } from '../database/index.ts';
import { AppError } from './app-error.ts';

const NOT_NOW = 'The database cannot answer just now; try again in a moment.';

/** What each kind of trouble with the database is to a client; a kind that is not listed is a fault of ours. */
const REFUSALS: Partial<Record<DatabaseErrorKind, (error: DatabaseError) => AppError>> = {
  unique: (error) => nameTaken(error),
  foreign_key: () =>
    new AppError('conflict', 'The request names something that is not there, or something else still refers to this.'),
  bad_value: () =>
    new AppError(
      'invalid_request',
      'The request holds a value that cannot be stored, such as a NUL character or a number out of range.',
    ),
  serialization: () => notNow(NOT_NOW),
  deadlock: () => notNow(NOT_NOW),
  lock_timeout: () => notNow('The thing is busy; try again in a moment.'),
  statement_timeout: () => notNow(NOT_NOW),
  disconnected: () =>
    notNow(
      'The connection to the database broke; whether the change was made is not known. Look, or repeat with the same Idempotency-Key.',
    ),
  outcome_unknown: () =>
    notNow(
      'The connection to the database broke during the commit; whether the change was made is not known. Look, or repeat with the same Idempotency-Key.',
    ),
  unavailable: () => notNow('The database cannot be reached just now; try again in a moment.'),
  busy: () => notNow('The server is busy; try again in a moment.'),
  full: () => notNow("The database's disk is full; an administrator has to make room."),
};

/** What a client is told of trouble with the database, or undefined when it is a fault of ours. */
export const findDatabaseRefusal = (error: DatabaseError): AppError | undefined => REFUSALS[error.kind]?.(error);

const notNow = (sentence: string): AppError =>
  new AppError('unavailable', sentence, undefined, { retryAfterSeconds: 2 });

/** Unique indexes over names are called `<table>_name`. */
function nameTaken({ constraint }: DatabaseError): AppError {
  const noun = /^([a-z_]+?)s?_name$/.exec(constraint ?? '')?.[1]?.replaceAll('_', ' ');
  if (noun === undefined) return new AppError('conflict', 'The same thing is there already.');
  return new AppError('name_taken', `Another ${noun} has this name already; choose another.`);
}
