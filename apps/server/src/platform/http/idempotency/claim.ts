import type { Executor } from '../../database/index.ts';

/** The right of one request to carry out what its `Idempotency-Key` stands for. */
export interface Claim {
  /**
   * Called inside the transaction that makes the change: from its commit on, the key stands for a thing that was done. Fails,
   * and the transaction with it, if another request has taken the key over meanwhile.
   */
  commit(tx: Executor): Promise<void>;
}
