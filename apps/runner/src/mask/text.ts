/** The raw bytes one look at the stream can see. `final` says that nothing will follow them. */
export interface Text {
  readonly bytes: Buffer;
  readonly final: boolean;
  /** The line end that was last looked at for a provisioner's prefix, and what was found: several pieces ask about the same. */
  asked?: LineEnd;
}

/** A line end at `at`: the prefix of the provisioner whose line it is, if it is one's, and where its next line begins, once looked for. */
export interface LineEnd {
  readonly at: number;
  readonly prefix: Buffer | undefined;
  next?: number;
}

/** A reader's answer instead of an index: the bytes at this place are something else. */
export const FAIL = -1;
/** A reader's answer instead of an index: the bytes end too early to tell. Never given for a `final` text. */
export const MORE = -2;

export const LF = 0x0a;
export const CR = 0x0d;
export const ESC = 0x1b;

/** First byte of `│` (E2 94 82), which Terraform puts before each line of a diagnostic. */
export const BAR = 0xe2;

/** Tab, line feed, vertical tab, form feed, carriage return, space. */
export function isWhite(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

export function isBase64(byte: number): boolean {
  return (
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x2f && byte <= 0x39) ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x5f
  );
}

/** Reads `expected` at `at`: the index after it, FAIL, or MORE when the text ends inside it. */
export function readBytes({ bytes, final }: Text, at: number, expected: Uint8Array): number {
  for (let k = 0; k < expected.length; k++) {
    if (at + k >= bytes.length) return final ? FAIL : MORE;
    if (bytes[at + k] !== expected[k]) return FAIL;
  }
  return at + expected.length;
}
