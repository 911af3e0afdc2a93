import { MAX_BROKEN_LINE, readLineEnd } from './broken-lines.ts';
import { readColour } from './colours.ts';
import { BAR, ESC, FAIL, isBase64, isWhite, LF, MORE, readBytes, type Text } from './text.ts';
import type { Trail } from './trail.ts';

// A seam is what Terraform, a terminal program or `base64` may put between two characters of a secret without
// hiding it from a reader: colours anywhere; white space where the secret has white space; and after a line break
// the bar of a diagnostic's box or the prefix of a provisioner's line. Real output, Terraform 1.11:
//   ESC[31m│ESC[0m ESC[0mhorse battery staple
//   ESC[0mESC[1mterraform_data.x (local-exec):ESC[0m ESC[0mhorse battery staple

/** Longest seam that is looked across, in bytes, lines of others left out. It bounds what can be held back. */
export const MAX_SEAM = 1024;
/** A line break belongs to base64 only behind at least this many base64 characters: tools wrap at 64 or 76. */
const WRAPPED_LINE = 32;

const BAR_BYTES = Buffer.from('│');

function readSeamPart(text: Text, at: number, white: boolean, trail: Trail): number {
  const byte = text.bytes[at] as number;
  if (byte === LF) return readLineEnd(text, at, trail);
  if (isWhite(byte)) return at + 1;
  if (byte === ESC) return readColour(text, at);
  return byte === BAR && white ? readBytes(text, at, BAR_BYTES) : FAIL;
}

/** Reads white space with all that may stand in it. FAIL when there is no white byte in it, or when it is too long. */
export function readWhite(text: Text, at: number, trail: Trail): number {
  const before = trail.leftOut;
  const length = () => i - at - (trail.leftOut - before);
  let i = at;
  let white = false;
  while (i < text.bytes.length && length() <= MAX_SEAM) {
    const end = readSeamPart(text, i, white, trail);
    if (end === MORE) return MORE;
    if (end === FAIL) return white ? i : FAIL;
    white ||= isWhite(text.bytes[i] as number);
    i = end;
  }
  if (length() > MAX_SEAM) return FAIL;
  if (!text.final) return MORE;
  return white ? i : FAIL;
}

/** Whether the line break at `at` may be one that a base64 tool put there: the line before it is all base64. */
export function isWrapped({ bytes }: Text, at: number): boolean {
  let i = at;
  while (i > 0 && isBase64(bytes[i - 1] as number) && at - i < WRAPPED_LINE) i--;
  return at - i === WRAPPED_LINE;
}

/** How many bytes before a place `isWrapped` and `mayBeBroken` may look at. */
export const LOOK_BEHIND = Math.max(WRAPPED_LINE, MAX_BROKEN_LINE + 1);
