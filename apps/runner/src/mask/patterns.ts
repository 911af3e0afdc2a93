import { listForms, type SecretSet } from './forms.ts';
import { gramsOf, hasEarlyGap, hashOfPiece, isSamePiece, type Piece, piecesOf } from './pieces.ts';

/**
 * What a scanner looks for, indexed by how it can begin. Made once, never changed, shared by any number of maskers.
 *
 * The index is a chained hash table from the first four bytes of a piece (its gram) to pieces, with a byte per slot
 * in front of it: nearly every place of a log is dismissed by that one byte.
 */
export interface Patterns {
  /** Secrets too short to be masked, by name. */
  readonly unmaskable: readonly string[];
  readonly pieces: readonly Piece[];
  /** 1 where a gram of that slot exists. See `slotOf`. */
  readonly filter: Uint8Array;
  readonly slotShift: number;
  /** First entry of a slot, plus one; 0 is none. Then `next` in the same way. */
  readonly heads: Int32Array;
  readonly next: Int32Array;
  readonly entryGram: Int32Array;
  readonly entryPiece: Int32Array;
  /** 1 where some piece begins with these two bytes. */
  readonly pairs: Uint8Array;
  readonly first: FirstIndex;
  /** Those pieces only that may have white space among their first four bytes; often there is none. */
  readonly early: FirstIndex | undefined;
}

/** Pieces that can begin with a byte: `ids` from `starts[byte]` to `starts[byte + 1]`. */
export interface FirstIndex {
  readonly starts: Int32Array;
  readonly ids: Int32Array;
}

const SLOT_FACTOR = 0x9e3779b1;
const SLOTS_PER_ENTRY = 64;
const MIN_SLOT_BITS = 14;
const MAX_SLOT_BITS = 22;

export function slotOf(gram: number, slotShift: number): number {
  return Math.imul(gram, SLOT_FACTOR) >>> slotShift;
}

interface Entries {
  readonly pieces: Piece[];
  readonly grams: number[];
  readonly owners: number[];
}

function listEntries(sets: readonly SecretSet[]): Entries & { unmaskable: string[] } {
  const { forms, unmaskable } = listForms(sets);
  const entries: Entries = { pieces: [], grams: [], owners: [] };
  const byHash = new Map<number, number[]>();
  for (const form of forms) for (const piece of piecesOf(form)) addPiece(piece, entries, byHash);
  return { ...entries, unmaskable };
}

/** Adds a piece unless it is there: keys and certificates of one kind begin alike. Forms come earliest offset first. */
function addPiece(piece: Piece, { pieces, grams, owners }: Entries, byHash: Map<number, number[]>): void {
  const hash = hashOfPiece(piece);
  const alike = byHash.get(hash) ?? [];
  if (alike.some((id) => isSamePiece(pieces[id] as Piece, piece))) return;
  alike.push(pieces.length);
  byHash.set(hash, alike);
  for (const gram of gramsOf(piece)) {
    grams.push(gram);
    owners.push(pieces.length);
  }
  pieces.push(piece);
}

function slotBits(entries: number): number {
  const wanted = Math.ceil(Math.log2(entries * SLOTS_PER_ENTRY + 1));
  return Math.min(MAX_SLOT_BITS, Math.max(MIN_SLOT_BITS, wanted));
}

function indexByGram(
  grams: readonly number[],
): Pick<Patterns, 'filter' | 'slotShift' | 'heads' | 'next' | 'entryGram'> {
  const bits = slotBits(grams.length);
  const slotShift = 32 - bits;
  const filter = new Uint8Array(1 << bits);
  const heads = new Int32Array(1 << bits);
  const next = new Int32Array(grams.length);
  grams.forEach((gram, entry) => {
    const slot = slotOf(gram, slotShift);
    filter[slot] = 1;
    next[entry] = heads[slot] as number;
    heads[slot] = entry + 1;
  });
  return { filter, slotShift, heads, next, entryGram: Int32Array.from(grams) };
}

function indexByFirst({ grams, owners }: Entries, isListed: (piece: number) => boolean): FirstIndex {
  const buckets: number[][] = Array.from({ length: 256 }, () => []);
  grams.forEach((gram, entry) => {
    const owner = owners[entry] as number;
    const bucket = buckets[gram >>> 24] as number[];
    // A piece's entries follow each other.
    if (bucket.at(-1) !== owner && isListed(owner)) bucket.push(owner);
  });
  const starts = new Int32Array(257);
  buckets.forEach((bucket, byte) => {
    starts[byte + 1] = (starts[byte] as number) + bucket.length;
  });
  return { starts, ids: Int32Array.from(buckets.flat()) };
}

function indexByPair(grams: readonly number[]): Uint8Array {
  const pairs = new Uint8Array(1 << 16);
  for (const gram of grams) pairs[gram >>> 16] = 1;
  return pairs;
}

/** Compiles the secrets, so that the sets' order does not matter. Costs some 40 bytes of memory a byte of secret. */
export function compilePatterns(sets: readonly SecretSet[]): Patterns {
  const { unmaskable, ...entries } = listEntries(sets);
  const { pieces } = entries;
  return {
    unmaskable,
    pieces,
    ...indexByGram(entries.grams),
    entryPiece: Int32Array.from(entries.owners),
    pairs: indexByPair(entries.grams),
    first: indexByFirst(entries, () => true),
    early: pieces.some(hasEarlyGap) ? indexByFirst(entries, (id) => hasEarlyGap(pieces[id] as Piece)) : undefined,
  };
}
