/** A set of 64-bit fingerprints, each with the number it was added under. */
export interface Fingerprints {
  readonly size: number;
  /** The number of these bytes if they were added before, else adds them under the next number and gives -1. */
  add(bytes: Uint8Array): number;
  /** The number of these bytes; -1 when they were never added. */
  find(bytes: Uint8Array): number;
}

/** Open addressing in typed arrays: 12 bytes a slot, at most two thirds full. */
export function createFingerprints(): Fingerprints {
  let slots = 1 << 16;
  let table = new Uint32Array(slots * 3);
  let size = 0;

  function locate(high: number, low: number): number {
    for (let slot = low & (slots - 1); ; slot = (slot + 1) & (slots - 1)) {
      const at = slot * 3;
      const number = table[at + 2] as number;
      if (number === 0 || (table[at] === high && table[at + 1] === low)) return at;
    }
  }

  function grow(): void {
    const old = table;
    slots *= 2;
    table = new Uint32Array(slots * 3);
    for (let at = 0; at < old.length; at += 3)
      if (old[at + 2] !== 0) table.set(old.subarray(at, at + 3), locate(old[at] as number, old[at + 1] as number));
  }

  return {
    get size() {
      return size;
    },
    add(bytes) {
      const high = hash(bytes, 0x9747b28c);
      const low = hash(bytes, 0x3c6ef372);
      const at = locate(high, low);
      const number = table[at + 2] as number;
      if (number !== 0) return number - 1;
      table[at] = high;
      table[at + 1] = low;
      size += 1;
      table[at + 2] = size;
      if (size * 3 > slots * 2) grow();
      return -1;
    },
    find(bytes) {
      const at = locate(hash(bytes, 0x9747b28c), hash(bytes, 0x3c6ef372));
      return (table[at + 2] as number) - 1;
    },
  };
}

/** Murmur3's mixing, byte by byte; the two halves of a fingerprint differ in their seed. */
function hash(bytes: Uint8Array, seed: number): number {
  let h = seed;
  for (let i = 0; i < bytes.length; i += 1) {
    h = Math.imul(h ^ (bytes[i] as number), 0xcc9e2d51);
    h = Math.imul((h << 15) | (h >>> 17), 0x1b873593);
    h ^= h >>> 13;
  }
  h = Math.imul(h ^ bytes.length ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
