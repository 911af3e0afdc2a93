/**
 * Remembers sequence numbers that were handed out but not seen yet. A number is taken when a transaction inserts and becomes
 * visible when it commits, so a later one can be seen first; the earlier one is asked for again until it turns up, or until
 * its transaction cannot be under way any more and must have been rolled back.
 */
export function createGaps(lifeMs: number, most: number) {
  const missing = new Map<number, number>();
  return {
    /** Numbers to ask for again, oldest first. */
    list(nowMs: number): number[] {
      for (const [seq, until] of missing) if (until <= nowMs) missing.delete(seq);
      return [...missing.keys()];
    },
    /** Takes note of the numbers between the last one seen and this one. A larger hole than `most` is a sequence that jumped. */
    saw(seq: number, cursor: number, nowMs: number): void {
      missing.delete(seq);
      for (let skipped = Math.max(cursor + 1, seq - most); skipped < seq; skipped += 1)
        missing.set(skipped, nowMs + lifeMs);
    },
    clear: (): void => missing.clear(),
  };
}
