import { mayBeBroken } from './broken-lines.ts';
import { skipColours } from './colours.ts';
import type { OnMatch } from './match.ts';
import { type Patterns, slotOf } from './patterns.ts';
import { createProbe, type Probe, type View } from './probe.ts';
import { isWrapped } from './seams.ts';
import { BAR, CR, ESC, isWhite, LF, type Text } from './text.ts';

const SYMBOL = 0;
const WHITE = 1;
const SEAM = 2;

/** What the hot loop does with a byte: take it, leave it out, or stop, since a seam may begin here. */
function kindsOfBytes(patterns: Patterns): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => {
    if (byte === LF || byte === ESC || (byte === BAR && patterns.early)) return SEAM;
    return isWhite(byte) ? WHITE : SYMBOL;
  });
}

/** The hot loop's place in a text: the next byte to look at, and the last four that were not white. */
interface Cursor {
  at: number;
  gram: number;
}

function isKnown(gram: number, { pairs, filter, slotShift }: Patterns): boolean {
  return pairs[gram >>> 16] === 1 && filter[slotOf(gram, slotShift)] === 1;
}

/**
 * Goes on to the next place that must be looked at closely, a seam or a known gram's last byte, and stands behind it.
 * `isKnown` is written out here: reading the tables from the object again for each byte costs a third of the speed.
 */
function advance(cursor: Cursor, bytes: Buffer, kinds: Uint8Array, patterns: Patterns): void {
  const { pairs, filter, slotShift } = patterns;
  let { at, gram } = cursor;
  const { length } = bytes;
  while (at < length) {
    const byte = bytes[at++] as number;
    const kind = kinds[byte];
    if (kind !== SYMBOL) {
      if (kind === WHITE) continue;
      break;
    }
    gram = (gram << 8) | byte;
    if (pairs[gram >>> 16] === 1 && filter[slotOf(gram, slotShift)] === 1) break;
  }
  cursor.at = at;
  cursor.gram = gram;
}

/** Whether a piece may have begun within the last three symbols, and gone on behind colours with `following`. */
function mayGoOn(gram: number, following: number, { pairs }: Patterns): boolean {
  if (pairs[(gram >>> 8) & 0xffff] === 1 || pairs[gram & 0xffff] === 1) return true;
  return pairs[((gram & 0xff) << 8) | following] === 1;
}

/** Whether one of the three bytes before `at` begins some piece: most lines end with none. */
function mayBegin(bytes: Buffer, at: number, { first: { starts } }: Patterns): boolean {
  for (let i = Math.max(0, at - 3); i < at; i++) {
    const byte = bytes[i] as number;
    if (starts[byte] !== starts[byte + 1]) return true;
  }
  return false;
}

/** Whether a line ends at `at` that may go on elsewhere; `from` is where its last symbols end, maybe before colours. */
function mayGoOnElsewhere(text: Text, at: number, from: number, patterns: Patterns): boolean {
  return text.bytes[at] === LF && mayBegin(text.bytes, from, patterns) && mayBeBroken(text, at);
}

/** Of the gram-sized beginnings that a seam at `at` breaks apart, tries those that can go on behind it. */
function lookAcross(at: number, gram: number, { text, from }: View, probe: Probe, patterns: Patterns): void {
  const { bytes } = text;
  if (patterns.early) probe.tryAcross(at, patterns.early);
  if (bytes[at] === LF) {
    if (isWrapped(text, bytes[at - 1] === CR ? at - 1 : at) || mayGoOnElsewhere(text, at, at, patterns))
      probe.tryAcross(at, patterns.first);
  } else if (at > from && !isWhite(bytes[at - 1] as number)) {
    const behind = skipColours(text, at);
    const following = bytes[behind];
    if (following === undefined || mayGoOn(gram, following, patterns) || mayGoOnElsewhere(text, behind, at, patterns))
      probe.tryAcross(at, patterns.first);
  }
}

/**
 * Finds every match that begins in the view. Answers where the first one begins that may be under way when the text
 * ends; the text's length if there is none.
 *
 * How it was chosen. 32 MB of a provisioner's output, 50 secrets of 8 to 64 characters in 450 pieces, MB/s on one core
 * of a shared virtual machine; the loops alone, without looking closely or writing:
 *   adding up the bytes 1,250 · skipping by rare blocks 650, but of a text whose white space was taken out before (550)
 *   · automaton over bytes 490, but 1 KB of table a state, and a key of 3 KB has 13,000 · this 430 · a regular expression
 *   of all pieces 80 · Buffer.indexOf for each 9.
 * The whole masker then makes 220 (short coloured lines) to 350 (plain text), and 200 with a secret in every 20th line; 50 when
 * every line is a short one of a provisioner whose last byte begins a secret, which has to be looked at across the line break.
 */
export type Scan = (view: View, onMatch: OnMatch) => number;

export function createScan(patterns: Patterns): Scan {
  const kinds = kindsOfBytes(patterns);
  return (view, onMatch) => {
    const { bytes, final } = view.text;
    const probe = createProbe(patterns, view, onMatch);
    const cursor: Cursor = { at: view.from, gram: 0 };
    while (cursor.at < bytes.length) {
      advance(cursor, bytes, kinds, patterns);
      const byte = bytes[cursor.at - 1] as number;
      if (kinds[byte] === SEAM) {
        lookAcross(cursor.at - 1, cursor.gram, view, probe, patterns);
        if (byte === LF) continue;
        // The bytes of a seam can be bytes of a secret as well.
        cursor.gram = (cursor.gram << 8) | byte;
      }
      if (isKnown(cursor.gram, patterns)) probe.tryGram(cursor.gram, cursor.at);
    }
    if (!final) probe.tryAcross(bytes.length, patterns.first);
    return probe.alive();
  };
}
