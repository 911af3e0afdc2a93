import { skipColours } from './colours.ts';
import { findPiece, type OnMatch } from './match.ts';
import { type FirstIndex, type Patterns, slotOf } from './patterns.ts';
import { GRAM_BYTES, type Piece } from './pieces.ts';
import { readWhite } from './seams.ts';
import { FAIL, isWhite, LF, MORE, type Text } from './text.ts';
import { createTrail, type Trail } from './trail.ts';

/** The part of a stream that is looked at: matches begin at or after `from`; `baseOffset` is its first byte's place. */
export interface View {
  readonly text: Text;
  readonly from: number;
  readonly baseOffset: number;
}

const UNKNOWN = -1;

/** Looks closely at the places that the hot loop of scan.ts points out. */
export interface Probe {
  /** Tries every piece that begins with the gram whose last byte is the one before `end`. */
  tryGram(gram: number, end: number): void;
  /** Tries the last three symbols before `at`, if the index has them: their grams go on behind a seam, or not yet. */
  tryAcross(at: number, index: FirstIndex): void;
  /** Where the first match begins that may be under way when the text ends; the text's length if there is none. */
  alive(): number;
}

/** Index of the nth byte before `at` that is not white, or -1 when there is none at or after `floor`. */
function symbolBefore(bytes: Buffer, at: number, nth: number, floor: number): number {
  let left = nth;
  for (let i = at - 1; i >= floor; i--) {
    if (!isWhite(bytes[i] as number) && --left === 0) return i;
  }
  return -1;
}

/**
 * Index behind the seams that begin at `at`; `at` itself when there is none; MORE also when it depends on the secret: white space
 * behind the line end of a broken line is a seam only where the secret has white space.
 */
function skipSeam(text: Text, at: number, trail: Trail): number {
  const behind = skipColours(text, at);
  if (behind === MORE || !isWhite(text.bytes[behind] ?? 0)) return behind;
  const holes = trail.holes.length;
  const end = readWhite(text, behind, trail);
  const isBreak = text.bytes[behind] === LF && trail.holes.length > holes;
  if (isBreak && trail.holes[holes + 1] !== end) return MORE;
  return end === FAIL ? behind + 1 : end;
}

/** The gram of the text that begins at `at`, seams left out; undefined when the text ends before. */
function findGram(text: Text, at: number, trail: Trail): number | undefined {
  let gram = 0;
  let i = at;
  for (let size = 0; size < GRAM_BYTES; size++) {
    i = size > 0 ? skipSeam(text, i, trail) : i;
    if (i === MORE || i >= text.bytes.length) return undefined;
    gram = (gram << 8) | (text.bytes[i++] as number);
  }
  return gram;
}

/** The one gram of the text that begins at `at`, or the two when there are two ways on; undefined when the text ends before. */
function findGrams(text: Text, at: number): readonly number[] | undefined {
  const trail = createTrail(true);
  const gram = findGram(text, at, trail);
  const other = trail.forked ? findGram(text, at, createTrail(false)) : gram;
  if (gram === undefined || other === undefined) return undefined;
  return gram === other ? [gram] : [gram, other];
}

export function createProbe(patterns: Patterns, { text, from, baseOffset }: View, onMatch: OnMatch): Probe {
  const { pieces, heads, next, entryGram, entryPiece, pairs } = patterns;
  const { bytes } = text;
  let alive = bytes.length;

  function tryPiece(id: number, at: number): void {
    const piece = pieces[id] as Piece;
    if (baseOffset + at < piece.form.fromOffset) return;
    if (!findPiece(text, at, piece, onMatch) && at < alive) alive = at;
  }

  function tryAllOf(gram: number, at: number): void {
    for (let entry = heads[slotOf(gram, patterns.slotShift)] as number; entry > 0; entry = next[entry - 1] as number) {
      if (entryGram[entry - 1] === gram) tryPiece(entryPiece[entry - 1] as number, at);
    }
  }

  function tryBeginnings(at: number, { starts, ids }: FirstIndex): void {
    const first = bytes[at] as number;
    const stop = starts[first + 1] as number;
    let k = starts[first] as number;
    if (k === stop) return;
    const grams = findGrams(text, at);
    if (grams) for (const gram of grams) tryAllOf(gram, at);
    else while (k < stop) tryPiece(ids[k++] as number, at);
  }

  return {
    tryGram(gram, end) {
      const at = symbolBefore(bytes, end, GRAM_BYTES, from);
      if (at >= 0) tryAllOf(gram, at);
    },
    tryAcross(at, index) {
      let second = UNKNOWN;
      for (let nth = 1; nth < GRAM_BYTES; nth++) {
        const start = symbolBefore(bytes, at, nth, from);
        if (start < 0) return;
        const first = bytes[start] as number;
        if (second === UNKNOWN || pairs[(first << 8) | second] === 1) tryBeginnings(start, index);
        second = first;
      }
    },
    alive: () => alive,
  };
}
