import { readBreak } from './broken-lines.ts';
import { skipColours } from './colours.ts';
import type { Piece } from './pieces.ts';
import { isWrapped, MAX_SEAM, readWhite } from './seams.ts';
import type { Spelling } from './spellings.ts';
import { CR, ESC, FAIL, LF, MORE, readBytes, type Text } from './text.ts';
import { GAP } from './tokens.ts';
import { backTo, createTrail, markOf, type Trail } from './trail.ts';

const PLUS = 0x2b;

/** Reads the first of the ways that is there. A way that could still come true is waited for. */
function readWay(text: Text, at: number, ways: readonly Buffer[], trail: Trail): number {
  for (const way of ways) {
    let end = readBytes(text, at, way);
    if (end === FAIL && way.length > 1) end = readBroken(text, at, way, trail);
    if (end !== FAIL) return end;
  }
  return FAIL;
}

/** Reads an escape or a character of several bytes in the middle of which Terraform has broken the line. */
function readBroken(text: Text, at: number, way: Buffer, trail: Trail): number {
  const mark = markOf(trail);
  let i = at;
  for (let k = 0; k < way.length && i >= 0; k++) {
    if (k > 0 && text.bytes[i] === LF) i = readBreak(text, i, trail);
    if (i >= 0) i = readBytes(text, i, way.subarray(k, k + 1));
  }
  if (i === FAIL) backTo(trail, mark);
  return i;
}

/** A form's `+` is a blank, but for a second one where the secret itself goes on with `+`. */
function isOwnPlus(text: Text, at: number, next: number | undefined, white: boolean): boolean {
  return white && next === PLUS && text.bytes[at] === PLUS;
}

function readGap(
  text: Text,
  at: number,
  { whiteWays }: Spelling,
  { next, trail }: { next: number | undefined; trail: Trail },
): number {
  if (whiteWays.length === 0) return readWhite(text, at, trail);
  const before = trail.leftOut;
  let i = at;
  while (i - at - (trail.leftOut - before) <= MAX_SEAM) {
    const mark = markOf(trail);
    let end = readWhite(text, i, trail);
    if (end === FAIL) backTo(trail, mark);
    if (end === FAIL && !isOwnPlus(text, i, next, i > at)) end = readWay(text, i, whiteWays, trail);
    if (end === MORE) return MORE;
    if (end === FAIL) return i > at ? i : FAIL;
    i = end;
  }
  return FAIL;
}

/** Skips what may stand between two characters that belong together. */
function skipJoint(text: Text, at: number, { wraps }: Spelling, trail: Trail): number {
  const behind = text.bytes[at] === ESC ? skipColours(text, at) : at;
  if (behind === MORE) return MORE;
  const byte = text.bytes[behind];
  if (byte !== LF && byte !== CR) return behind;
  const end =
    wraps && isWrapped(text, behind)
      ? readWhite(text, behind, trail)
      : byte === LF
        ? readBreak(text, behind, trail)
        : FAIL;
  return end === FAIL ? behind : end;
}

/** Reads a piece at `at`: the index after it, FAIL, or MORE. There is one answer at most: every choice is greedy. */
function readAlong(text: Text, at: number, { form, from, to }: Piece, trail: Trail): number {
  const { spelling, tokens } = form;
  const { single } = spelling;
  const { bytes } = text;
  let i = at;
  for (let k = from; k < to; k++) {
    const token = tokens[k] as number;
    if (single[token] === 1 && bytes[i] === token) {
      i++;
    } else if (token === GAP) {
      i = readGap(text, i, spelling, { next: tokens[k + 1], trail });
    } else {
      if (k > from) i = skipJoint(text, i, spelling, trail);
      if (i >= 0) i = readWay(text, i, spelling.ways(token), trail);
    }
    if (i < 0) return i;
  }
  return i;
}

/** Called for every place where a secret stands, in no strict order. What lies in its holes is no part of it: see `Trail`. */
export type OnMatch = (from: number, to: number, holes: readonly number[]) => void;

/** Gives the piece where it stands at `at`, in one or both of the ways of a trail. False when the text ends too early to tell. */
export function findPiece(text: Text, at: number, piece: Piece, onMatch: OnMatch): boolean {
  const trail = createTrail(true);
  const end = readAlong(text, at, piece, trail);
  if (end >= 0) onMatch(at, end, trail.holes);
  return end !== MORE && (!trail.forked || findStraight(text, at, piece, onMatch));
}

function findStraight(text: Text, at: number, piece: Piece, onMatch: OnMatch): boolean {
  const trail = createTrail(false);
  const end = readAlong(text, at, piece, trail);
  if (end >= 0) onMatch(at, end, trail.holes);
  return end !== MORE;
}
