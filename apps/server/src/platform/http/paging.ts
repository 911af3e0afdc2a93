import type { Page } from '@groundcrew/protocol';
import { AppError } from './app-error.ts';

/** A cursor is the last sort key of a page, opaque to clients. */
const encodeCursor = (key: string): string => Buffer.from(key, 'utf8').toString('base64url');

/** The sort key of a cursor. Errors: `invalid_request` for one that no page gave out. */
export function decodeCursor(cursor: string): string {
  const key = Buffer.from(cursor, 'base64url').toString('utf8');
  if (key !== '' && encodeCursor(key) === cursor) return key;
  throw new AppError('invalid_request', 'The cursor is not one that a page gave out; start again without it.');
}

/** As {@link decodeCursor}, for lists that are sorted by a whole number. */
export function decodeNumberCursor(cursor: string): number {
  const key = Number(decodeCursor(cursor));
  if (Number.isSafeInteger(key)) return key;
  throw new AppError('invalid_request', 'The cursor belongs to another list; start again without it.');
}

/** Makes a page of at most `limit` rows out of one row more than that; `keyOf` gives the sort key. */
export function toPage<R, T>(
  rows: readonly R[],
  limit: number,
  present: (row: R) => T,
  keyOf: (row: R) => string,
): Page<T> {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(present),
    next_cursor: rows.length > limit && last !== undefined ? encodeCursor(keyOf(last)) : null,
  };
}
