/** Unwrapped keys held at once; beyond that the oldest goes. */
const MAX_HELD = 1_000;

/**
 * Remembers what was loaded, and lets those who ask meanwhile wait for the same load. A failed one is forgotten.
 *
 * @param now milliseconds of a clock
 * @param heldMs after that it is loaded again; for ever when not given
 */
export function createCache<T>(now: () => number, heldMs = Number.POSITIVE_INFINITY) {
  const held = new Map<string, { loading: Promise<T>; at: number }>();
  return (name: string, load: () => Promise<T>): Promise<T> => {
    const found = held.get(name);
    if (found !== undefined && now() - found.at < heldMs) return found.loading;
    const entry = { loading: load(), at: now() };
    held.delete(name);
    held.set(name, entry);
    entry.loading.catch(() => {
      if (held.get(name) === entry) held.delete(name);
    });
    const [oldest] = held.keys();
    if (held.size > MAX_HELD && oldest !== undefined) held.delete(oldest);
    return entry.loading;
  };
}
