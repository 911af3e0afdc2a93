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
/** Longest half line that is gone on with behind a break; Terraform reads its provisioners' output by 4 KiB. */
const MAX_BROKEN_LINE = 8192;
/** How far behind a break the rest of the line is looked for. */
const MAX_BREAK = 4096;
/** A line break belongs to base64 only behind at least this many base64 characters: tools wrap at 64 or 76. */
const WRAPPED_LINE = 32;

const BRACKET = 0x5b;
const BAR_BYTES = Buffer.from('│');
const END_OF_ADDRESS = Buffer.from('):');
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

/**
 * Reads a line break that Terraform put into the middle of a provisioner's line, with all that stands between the two halves.
 * It shows what a program has printed so far as a line of its own when nothing more comes for 100 ms, which on a busy machine
 * also happens to who prints without a pause; and lines of other provisioners may come in between:
 *   terraform_data.x (local-exec): horse batt
 *   terraform_data.y (local-exec): something else
 *   terraform_data.x (local-exec): ery staple
 * FAIL when this is no such line, or the same provisioner says nothing more soon.
 */
export function readBrokenLine(text: Text, at: number): number {
  const prefix = findPrefix(text, at);
  if (prefix === undefined) return FAIL;
  let line = at + 1;
  while (line - at <= MAX_BREAK) {
    const end = readBytes(text, line, prefix);
    if (end !== FAIL) return end;
    const next = text.bytes.indexOf(LF, line);
    if (next < 0) return text.final || text.bytes.length - at > MAX_BREAK ? FAIL : MORE;
    line = next + 1;
  }
  return FAIL;
}

/** Whether the line that ends at `at` is a provisioner's, which Terraform may have broken there. */
export const mayBeBroken = (text: Text, at: number): boolean => findPrefix(text, at) !== undefined;

/** The prefix of the provisioner's line that ends at `at`; undefined when it is none, or too long to tell. */
function findPrefix(text: Text, at: number): Buffer | undefined {
  if (text.asked?.at !== at) text.asked = { at, prefix: readPrefix(text.bytes, at) };
  return text.asked.prefix;
}

function readPrefix(bytes: Buffer, at: number): Buffer | undefined {
  const start = bytes.lastIndexOf(LF, at - 1) + 1;
  // What lies further back may be gone, and then the line seems to begin where the bytes do.
  if (at - start > MAX_BROKEN_LINE) return undefined;
  const line = bytes.subarray(start, Math.min(at, start + MAX_PREFIX));
  // Quicker than the expression for the many lines that are no provisioner's.
  if (!line.includes(END_OF_ADDRESS)) return undefined;
  const match = PROVISIONER_PREFIX.exec(line.toString('latin1'));
  return match === null ? undefined : line.subarray(0, match[0].length);
}

/** Whether the line break at `at` may be one that a base64 tool put there: the line before it is all base64. */
export function isWrapped({ bytes }: Text, at: number): boolean {
  let i = at;
  while (i > 0 && isBase64(bytes[i - 1] as number) && at - i < WRAPPED_LINE) i--;
  return at - i === WRAPPED_LINE;
}

/** How many bytes before a place `isWrapped` and `readBrokenLine` may look at. */
export const LOOK_BEHIND = Math.max(WRAPPED_LINE, MAX_BROKEN_LINE + 1);
