/** Mistakes that can be planted, one at a time; a simulation that finds none of them proves nothing. */
export const BUGS = {
  answersLockAlone: 'Terraform’s LOCK is answered without the permit being marked as used',
  answersBeforeCommit: 'the server answers before it has committed',
  appendsAnywhere: 'the server appends to a log without looking at the offset',
  keepsDeadlines: 'the lease keeper does not move deadlines after an outage',
  forgetsSync: 'fsync does nothing: what the product believes to be on disk is not',
  ignoresAlive: 'whoever probes the lock `alive` finds it free, whatever holds it',
} as const;
export type BugName = keyof typeof BUGS;
export type Bugs = { readonly [name in BugName]?: boolean };

/** Which seed was the first to find a planted mistake. */
export interface Hunt {
  readonly bug: BugName;
  /** Undefined when none of the seeds did. */
  readonly seed: number | undefined;
  readonly violation: string | undefined;
}

/** @param live lives through one seed with a mistake planted, and gives what was violated */
export async function hunt(
  bug: BugName,
  seeds: readonly number[],
  live: (seed: number, bugs: Bugs) => Promise<readonly string[]>,
): Promise<Hunt> {
  for (const seed of seeds) {
    const [violation] = await live(seed, { [bug]: true });
    if (violation !== undefined) return { bug, seed, violation };
  }
  return { bug, seed: undefined, violation: undefined };
}

/** One line for each mistake. */
export const formatHunt = ({ bug, seed, violation }: Hunt): string =>
  seed === undefined
    ? `${bug.padEnd(20)} not found      ${BUGS[bug]}`
    : `${bug.padEnd(20)} found by seed ${String(seed).padEnd(4)} ${violation}`;
