import { ESC, FAIL, MORE, type Text } from './text.ts';

const MAX_COLOUR = 24;
/** Longest row of colours that is skipped, in bytes. It bounds what can be held back. */
const MAX_COLOURS = 1024;
const BRACKET = 0x5b;

function isColourParameter(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x3b;
}

/** Reads one colour (or clear-to-end-of-line) sequence: ESC [ digits ; : and then m or K. */
export function readColour({ bytes, final }: Text, at: number): number {
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
  while (text.bytes[i] === ESC && i - at <= MAX_COLOURS) {
    const end = readColour(text, i);
    if (end === MORE) return MORE;
    if (end === FAIL) break;
    i = end;
  }
  return i;
}
