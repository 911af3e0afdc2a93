/** Dice that a seed fixes: the same seed rolls the same numbers, on every machine. */
export interface Dice {
  /** In [0, 1). */
  next(): number;
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  pick<T>(list: readonly T[]): T;
  /** True as often as `share` (0 to 1) says. */
  chance(share: number): boolean;
  /** The same things in another order. */
  shuffle<T>(list: readonly T[]): T[];
}

/** @param seed a whole number; its lowest 32 bits count */
export function createDice(seed: number): Dice {
  const next = mulberry32(seed);
  const between = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));

  function pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error('Nothing can be picked from an empty list.');
    return list[between(0, list.length - 1)] as T;
  }

  return {
    next,
    between,
    pick,
    chance: (share) => next() < share,
    shuffle: (list) =>
      list
        .map((item) => ({ item, at: next() }))
        .sort((a, b) => a.at - b.at)
        .map(({ item }) => item),
  };
}

/** Tommy Ettinger's 32-bit generator: no cryptography, evenly spread, four lines. */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
