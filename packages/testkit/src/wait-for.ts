const LOOK_MS = 10;

/**
 * Waits until `look` gives something true and resolves with it. For what tells nobody when it happens; whatever has an event is
 * better waited for by that.
 *
 * @param what completes "Waited in vain for …"
 * @param timeoutMs 10,000 when not given
 */
export async function waitFor<T>(
  what: string,
  look: () => T | Promise<T>,
  timeoutMs = 10_000,
): Promise<NonNullable<T>> {
  const until = Date.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > until) throw new Error(`Waited in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
