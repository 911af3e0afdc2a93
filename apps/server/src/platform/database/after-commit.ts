import type { Executor } from './database.ts';

const callbacks = new WeakMap<Executor, (() => void)[]>();

/**
 * Calls `fn` once the transaction is committed, never when it is rolled back: for words to others, whose loss costs time only.
 * It may be lost in a crash, must not throw, and does not run inside the transaction.
 */
export function afterCommit(tx: Executor, fn: () => void): void {
  const waiting = callbacks.get(tx);
  if (waiting === undefined) callbacks.set(tx, [fn]);
  else waiting.push(fn);
}

/** Calls what was handed to {@link afterCommit} for this transaction. */
export function runAfterCommit(tx: Executor): void {
  for (const fn of callbacks.get(tx) ?? []) fn();
  callbacks.delete(tx);
}
