/** Mistakes that a test plants, one at a time; a simulation that finds none of them proves nothing. */
export interface Bugs {
  /** The server answers before it has committed. */
  readonly answersBeforeCommit?: boolean;
  /** fsync does nothing: what the product believes to be on disk is not. */
  readonly forgetsSync?: boolean;
  /** The server appends to a log without looking at the offset. */
  readonly appendsAnywhere?: boolean;
  /** Whoever probes the lock `alive` finds it free, whatever holds it. */
  readonly ignoresAlive?: boolean;
  /** The lease keeper does not move deadlines after an outage. */
  readonly keepsDeadlines?: boolean;
  /** Terraform's LOCK is answered without the permit being marked as used. */
  readonly answersLockAlone?: boolean;
}
