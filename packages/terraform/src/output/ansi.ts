const ESCAPE = 0x1b;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what begins a colour
const COLOURS = /\u001b\[[0-9;]*m/g;

/** Text without colours. */
export const stripColours = (text: string): string => (text.includes('\u001b') ? text.replaceAll(COLOURS, '') : text);

/** The first byte of a line that is not part of a colour at its beginning. */
export function skipColours(bytes: Uint8Array, start: number, end: number): number {
  let pos = start;
  while (pos < end && bytes[pos] === ESCAPE) {
    const close = bytes.indexOf(0x6d, pos);
    if (close < 0 || close >= end) return end;
    pos = close + 1;
  }
  return pos;
}
