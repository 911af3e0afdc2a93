import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Knows, along asynchronous calls, whether the code at hand runs inside a transaction. A statement that is sent through the
 * pool from there escapes its transaction: it sees other data, survives the rollback, and waits for ever when all sessions
 * are taken by transactions that do the same.
 */
export interface TransactionScope {
  /** Runs `fn` as the inside of a transaction; what it started and left behind stops counting when it is over. */
  inside<T>(fn: () => Promise<T>): Promise<T>;
  /** Runs `fn` as if no transaction were under way, for what must last whatever becomes of the caller's transaction. */
  outside<T>(fn: () => T): T;
  readonly isInside: boolean;
  /** Whether this is the code that {@link outside} was called with, and not a transaction that it has begun. */
  readonly isOutside: boolean;
}

export function createTransactionScope(): TransactionScope {
  const storage = new AsyncLocalStorage<{ open: boolean; isOutside: boolean }>();
  return {
    async inside(fn) {
      const transaction = { open: true, isOutside: false };
      try {
        return await storage.run(transaction, fn);
      } finally {
        transaction.open = false;
      }
    },
    outside: (fn) => storage.run({ open: false, isOutside: true }, fn),
    get isInside() {
      return storage.getStore()?.open ?? false;
    },
    get isOutside() {
      return storage.getStore()?.isOutside ?? false;
    },
  };
}
