import type { SpooledState } from './state-spool.ts';

/** The server as the relay sees it. Every call may throw: the server is away, or says so; trying again later may help. */
export interface StateUpstream {
  /**
   * Terraform's LOCK of an apply; answering it marks the permit used. Asked again with the same id, the same answer.
   * @throws UpstreamRefusal when the attempt may not apply (any more).
   */
  lock(lockId: string): Promise<void>;
  /** The workspace's current state; undefined when it has none. */
  get(): Promise<UpstreamState | undefined>;
  /**
   * Stores a state that Terraform wrote; the same state again is the same version.
   * @throws UpstreamRefusal when the server will never take these bytes, whatever is done.
   */
  post(state: SpooledState): Promise<PostOutcome>;
}

export interface UpstreamState {
  body: AsyncIterable<Uint8Array>;
  /** SHA-256 of the whole, where the server tells it. */
  checksum?: string;
}

/** `stored`: in the workspace's line of states. `quarantined`: kept for a person to decide, because the attempt may not write it. */
export type PostOutcome = 'stored' | 'quarantined';

/** The server's last word; asking again cannot help. The message is its sentence. */
export class UpstreamRefusal extends Error {
  override name = 'UpstreamRefusal';
}
