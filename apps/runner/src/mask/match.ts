import type { Piece } from './pieces.ts';
import { isWrapped, MAX_SEAM, readBrokenLine, readWhite, skipColours } from './seams.ts';
import type { Spelling } from './spellings.ts';
import { CR, ESC, FAIL, LF, MORE, readBytes, type Text } from './text.ts';
import { GAP } from './tokens.ts';

const PLUS = 0x2b;

/** Reads the first of the ways that is there. A way that could still come true is waited for. */
function readWay(text: Text, at: number, ways: readonly Buffer[]): number {
  for (const way of ways) {
    const end = readBytes(text, at, way);
    if (end !== FAIL) return end;
  }
  return FAIL;
}

/** A form's `+` is a blank, but for a second one where the secret itself goes on with `+`. */
function isOwnPlus(text: Text, at: number, next: number | undefined, white: boolean): boolean {
  return white && next === PLUS && text.bytes[at] === PLUS;
}

function readGap(text: Text, at: number, { whiteWays }: Spelling, next: number | undefined): number {
  if (whiteWays.length === 0) return readWhite(text, at);
  let i = at;
  while (i - at <= MAX_SEAM) {
    let end = readWhite(text, i);
    if (end === FAIL && !isOwnPlus(text, i, next, i > at)) end = readWay(text, i, whiteWays);
    if (end === MORE) return MORE;
    if (end === FAIL) return i > at ? i : FAIL;
    i = end;
  }
  return FAIL;
}

/** Skips what may stand between two characters that belong together. */
function skipJoint(text: Text, at: number, { wraps }: Spelling): number {
  const byte = text.bytes[at];
  if (byte === ESC) return skipColours(text, at);
  if (byte === LF) {
    const end = readBrokenLine(text, at);
    if (end !== FAIL) return end;
  }
  if (!wraps || (byte !== LF && byte !== CR) || !isWrapped(text, at)) return at;
  const end = readWhite(text, at);
  return end === FAIL ? at : end;
}

/** Reads a piece at `at`: the index after it, FAIL, or MORE. There is one answer at most: every choice is greedy. */
export function readPiece(text: Text, at: number, { form, from, to }: Piece): number {
  const { spelling, tokens } = form;
  const { single } = spelling;
  const { bytes } = text;
  let i = at;
  for (let k = from; k < to; k++) {
    const token = tokens[k] as number;
    if (single[token] === 1 && bytes[i] === token) {
      i++;
    } else if (token === GAP) {
      i = readGap(text, i, spelling, tokens[k + 1]);
    } else {
      if (k > from) i = skipJoint(text, i, spelling);
      if (i >= 0) i = readWay(text, i, spelling.ways(token));
    }
    if (i < 0) return i;
  }
  return i;
}
