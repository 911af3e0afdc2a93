/** Stands for a run of white space in a row of tokens; every other token is a code point. */
export const GAP = -1;

/** Secrets shorter than this many bytes are not masked: they would hide half of every log. */
const MIN_SECRET_BYTES = 6;

export type Tokens = Int32Array | Uint8Array;

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with ESC
const COLOUR = /\x1b\[[\d;:]{0,22}[mK]/g;
/** What a seam may hold where the secret has white space: see seams.ts. */
const WHITE_RUN = /[\t-\r ][\t-\r \u2502]*/g;
const OUTER_WHITE = /^[\t-\r ]+|[\t-\r ]+$/g;
const FOLDED_EDGES = /^[\t-\r \u2502]+|[\t-\r ]+$/g;

/** The text as the log may show it: without colours and outer white space, each inner run of white space one blank. */
export function foldText(text: string): string {
  return text.replace(COLOUR, '').replace(WHITE_RUN, ' ').replace(FOLDED_EDGES, '');
}

export function isMaskable(folded: string): boolean {
  return Buffer.byteLength(folded) >= MIN_SECRET_BYTES;
}

/** Tokens of a folded text. */
export function tokensOf(folded: string): Int32Array {
  return Int32Array.from(folded, (character) => (character === ' ' ? GAP : (character.codePointAt(0) as number)));
}

/** The lines of a multi-line text that are long enough to be masked by themselves, folded. */
export function linesOf(text: string): string[] {
  const lines = text.split(/[\r\n]+/).map(foldText);
  return lines.length < 2 ? [] : lines.filter(isMaskable);
}

/**
 * What base64 makes of the text whatever stands before and after it: for each of the three alignments the characters
 * that depend on the text alone. Up to one character at either end mixes in neighbouring bytes and is left out.
 */
export function base64CoresOf(text: string): Uint8Array[] {
  const bytes = Buffer.from(text.replace(OUTER_WHITE, ''));
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    return Buffer.from(encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6)));
  });
}
