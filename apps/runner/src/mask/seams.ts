import { BAR, ESC, FAIL, isBase64, isWhite, LF, MORE, readBytes, type Text } from './text.ts';

// A seam is what Terraform, a terminal program or `base64` may put between two characters of a secret without
// hiding it from a reader: colours anywhere; white space where the secret has white space; and after a line break
// the bar of a diagnostic's box or the prefix of a provisioner's line. Real output, Terraform 1.11:
//   ESC[31m│ESC[0m ESC[0mhorse battery staple
//   ESC[0mESC[1mterraform_data.x (local-exec):ESC[0m ESC[0mhorse battery staple

/** Longest seam that is looked across, in bytes. It bounds what can be held back. */
export const MAX_SEAM = 1024;
const MAX_COLOUR = 24;
const MAX_PREFIX = 512;
/** A line break belongs to base64 only behind at least this many base64 characters: tools wrap at 64 or 76. */
const WRAPPED_LINE = 32;

const BRACKET = 0x5b;
const BAR_BYTES = Buffer.from('│');
const PROVISIONER_PREFIX =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with ESC
  /^[^\n]+? \([a-z][a-z-]*\):(?:\x1b\[[\d;:]*[mK])* (?:\x1b\[[\d;:]*[mK])*/;

function isColourParameter(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x3b;
}

/** Reads one colour (or clear-to-end-of-line) sequence: ESC [ digits ; : and then m or K. */
function readColour({ bytes, final }: Text, at: number): number {
  let i = at + 1;
  if (i < bytes.length && bytes[i] !== BRACKET) return FAIL;
  do i++;
  while (i < bytes.length && isColourParameter(bytes[i] as number) && i - at < MAX_COLOUR);
  if (i >= bytes.length) return final ? FAIL : MORE;
  return bytes[i] === 0x6d || bytes[i] === 0x4b ? i + 1 : FAIL;
}

/** Skips colours: the index of the first byte that is none, or MORE. */
export function skipColours(text: Text, at: number): number {
  let i = at;
  while (text.bytes[i] === ESC && i - at <= MAX_SEAM) {
    const end = readColour(text, i);
    if (end === MORE) return MORE;
    if (end === FAIL) break;
    i = end;
  }
  return i;
}

/** Skips a provisioner's prefix at the start of a line, when there is one. */
function skipPrefix({ bytes, final }: Text, at: number): number {
  const seen = bytes.toString('latin1', at, Math.min(at + MAX_PREFIX, bytes.length));
  const match = PROVISIONER_PREFIX.exec(seen);
  const touchesEnd = match ? match[0].length === seen.length : !seen.includes('\n');
  if (touchesEnd && seen.length < MAX_PREFIX && !final) return MORE;
  return match ? at + match[0].length : at;
}

function readSeamPart(text: Text, at: number, white: boolean): number {
  const byte = text.bytes[at] as number;
  if (byte === LF) return skipPrefix(text, at + 1);
  if (isWhite(byte)) return at + 1;
  if (byte === ESC) return readColour(text, at);
  return byte === BAR && white ? readBytes(text, at, BAR_BYTES) : FAIL;
}

/** Reads white space with all that may stand in it. FAIL when there is no white byte in it, or when it is too long. */
export function readWhite(text: Text, at: number): number {
  let i = at;
  let white = false;
  while (i < text.bytes.length && i - at <= MAX_SEAM) {
    const end = readSeamPart(text, i, white);
    if (end === MORE) return MORE;
    if (end === FAIL) return white ? i : FAIL;
    white ||= isWhite(text.bytes[i] as number);
    i = end;
  }
  if (i - at > MAX_SEAM) return FAIL;
  if (!text.final) return MORE;
  return white ? i : FAIL;
}

/** Whether the line break at `at` may be one that a base64 tool put there: the line before it is all base64. */
export function isWrapped({ bytes }: Text, at: number): boolean {
  let i = at;
  while (i > 0 && isBase64(bytes[i - 1] as number) && at - i < WRAPPED_LINE) i--;
  return at - i === WRAPPED_LINE;
}

/** How many bytes before a place `isWrapped` may look at. */
export const LOOK_BEHIND = WRAPPED_LINE;
