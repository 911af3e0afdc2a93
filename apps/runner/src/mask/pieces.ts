import type { Form } from './forms.ts';
import { GAP } from './tokens.ts';

// A long secret is looked for in pieces. That bounds what must be held back, hides a secret that is printed only in
// part, and keeps a match from costing more than a few dozen comparisons. Neighbouring pieces share a token, so that
// the stretches they cover overlap and become one.
const PIECE_TOKENS = 32;
const STRIDE = PIECE_TOKENS - 1;

/** How many bytes of a piece the index is made of: no piece is shorter. */
export const GRAM_BYTES = 4;

/** The tokens `from` (included) to `to` (not included) of a form; neither its first nor its last is a gap. */
export interface Piece {
  readonly form: Form;
  readonly from: number;
  readonly to: number;
}

function pieceAt(form: Form, start: number): Piece {
  const { length } = form.tokens;
  const from = Math.min(start, Math.max(0, length - PIECE_TOKENS));
  const to = Math.min(from + PIECE_TOKENS, length);
  return {
    form,
    from: form.tokens[from] === GAP ? from - 1 : from,
    to: form.tokens[to - 1] === GAP ? to + 1 : to,
  };
}

export function* piecesOf(form: Form): Generator<Piece> {
  for (let start = 0; start === 0 || start + 1 < form.tokens.length; start += STRIDE) yield pieceAt(form, start);
}

/** Whether the two are the same tokens in the same spelling. */
export function isSamePiece(a: Piece, b: Piece): boolean {
  if (a.form.spelling !== b.form.spelling || a.to - a.from !== b.to - b.from) return false;
  for (let k = a.to - a.from - 1; k >= 0; k--) {
    if (a.form.tokens[a.from + k] !== b.form.tokens[b.from + k]) return false;
  }
  return true;
}

/** The same for pieces that are the same, and seldom for others. */
export function hashOfPiece({ form, from, to }: Piece): number {
  let hash = form.spelling.name.length;
  for (let k = from; k < to; k++) hash = Math.imul(hash, 31) + (form.tokens[k] as number);
  return hash | 0;
}

/** Whether white space may stand among the bytes of its gram. */
export function hasEarlyGap({ form, from }: Piece): boolean {
  return form.tokens.subarray(from, from + GRAM_BYTES).includes(GAP);
}

/** Every four bytes, white space left out, that a text showing the piece can begin with, as big-endian integers. */
export function gramsOf(piece: Piece): Set<number> {
  const grams = new Set<number>();
  collectGrams(piece, piece.from, { gram: 0, size: 0 }, grams);
  return grams;
}

interface PartOfGram {
  readonly gram: number;
  readonly size: number;
}

function collectGrams(piece: Piece, at: number, before: PartOfGram, grams: Set<number>): void {
  if (before.size === GRAM_BYTES) return void grams.add(before.gram);
  const { spelling, tokens } = piece.form;
  const token = tokens[at] as number;
  const isGap = token === GAP;
  if (isGap) collectGrams(piece, at + 1, before, grams);
  for (const way of isGap ? spelling.whiteWays : spelling.ways(token)) {
    collectGrams(piece, isGap ? at : at + 1, lengthen(before, way), grams);
  }
}

function lengthen({ gram, size }: PartOfGram, way: Uint8Array): PartOfGram {
  const taken = Math.min(way.length, GRAM_BYTES - size);
  let longer = gram;
  for (let k = 0; k < taken; k++) longer = (longer << 8) | (way[k] as number);
  return { gram: longer, size: size + taken };
}
