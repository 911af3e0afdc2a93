import { skipColours } from './colours.ts';
import { FAIL, LF, type LineEnd, MORE, readBytes, type Text } from './text.ts';
import type { Trail } from './trail.ts';

// Terraform shows what a program has printed so far as a line of its own when nothing more comes for 100 ms, which on a busy
// machine also happens to who prints without a pause. It puts the provisioner's prefix before each line, and takes white space
// from its end; and lines of others may come in between (`ui_output` of a provisioner, Terraform 1.11):
//   terraform_data.x (local-exec): horse batt
//   terraform_data.y (local-exec): something else
//   terraform_data.x (local-exec): ery staple

/** Longest prefix that is recognised, in bytes. */
const MAX_PREFIX = 512;
/** Longest half line that is gone on with behind a break; Terraform reads its provisioners' output by 4 KiB. */
export const MAX_BROKEN_LINE = 8192;
/** How far behind a break the rest of the line is looked for. */
const MAX_BREAK = 4096;
/** A match that has left out more lines of others than this looks for no further rest. It bounds what can be held back. */
const MAX_LEFT_OUT = 3 * MAX_BREAK;

const END_OF_ADDRESS = Buffer.from('):');
const PROVISIONER_PREFIX =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with ESC
  /^[^\n]+? \([a-z][a-z-]*\):(?:\x1b\[[\d;:]*[mK])* /;

/** Skips a provisioner's prefix at the start of a line, when there is one, and the colours behind it. */
function skipPrefix(text: Text, at: number): number {
  const seen = text.bytes.toString('latin1', at, Math.min(at + MAX_PREFIX, text.bytes.length));
  const prefix = PROVISIONER_PREFIX.exec(seen)?.[0];
  if (prefix !== undefined) return skipColours(text, at + prefix.length);
  return seen.includes('\n') || seen.length === MAX_PREFIX || text.final ? at : MORE;
}

/** Goes on in the line that begins at `line`, behind its prefix if it has one. `at` is the line end it comes from. */
function enterLine(text: Text, at: number, line: number, trail: Trail): number {
  const end = skipPrefix(text, line);
  if (end <= line) return end;
  trail.holes.push(at, end);
  trail.leftOut += line - at - 1;
  return end;
}

/** Reads the line end at `at`, where a secret has white space, with all that stands before its next character. */
export function readLineEnd(text: Text, at: number, trail: Trail): number {
  const next = trail.follows ? findRest(text, at, trail) : FAIL;
  if (next === MORE) return MORE;
  trail.forked ||= next > at + 1;
  return enterLine(text, at, next === FAIL ? at + 1 : next, trail);
}

/**
 * Reads the line end that Terraform put between two bytes of a secret at `at`, with all that stands between the two halves.
 * FAIL when it is no such line end, or the same provisioner says nothing more soon.
 */
export function readBreak(text: Text, at: number, trail: Trail): number {
  const next = trail.follows ? findRest(text, at, trail) : FAIL;
  return next < 0 ? next : enterLine(text, at, next, trail);
}

/** Where the provisioner whose line ends at `at` begins its next one. */
function findRest(text: Text, at: number, { leftOut }: Trail): number {
  const end = lineEndAt(text, at);
  if (end.prefix === undefined || leftOut > MAX_LEFT_OUT) return FAIL;
  end.next ??= findLine(text, at, end.prefix);
  return end.next;
}

/** Where the next line behind `at` begins that has the prefix. */
function findLine(text: Text, at: number, prefix: Buffer): number {
  let line = at + 1;
  while (line - at <= MAX_BREAK) {
    const end = readBytes(text, line, prefix);
    if (end !== FAIL) return end === MORE ? MORE : line;
    const next = text.bytes.indexOf(LF, line);
    if (next < 0) return text.final || text.bytes.length - at > MAX_BREAK ? FAIL : MORE;
    line = next + 1;
  }
  return FAIL;
}

/** Whether the line that ends at `at` is a provisioner's, which Terraform may have broken there. */
export const mayBeBroken = (text: Text, at: number): boolean => lineEndAt(text, at).prefix !== undefined;

function lineEndAt(text: Text, at: number): LineEnd {
  if (text.asked?.at !== at) text.asked = { at, prefix: readPrefix(text.bytes, at) };
  return text.asked;
}

/** The prefix, without the program's own colours, of the provisioner's line that ends at `at`; undefined when it is none, or too long to tell. */
function readPrefix(bytes: Buffer, at: number): Buffer | undefined {
  const start = bytes.lastIndexOf(LF, at - 1) + 1;
  // What lies further back may be gone, and then the line seems to begin where the bytes do.
  if (at - start > MAX_BROKEN_LINE) return undefined;
  const line = bytes.subarray(start, Math.min(at, start + MAX_PREFIX));
  // Quicker than the expression for the many lines that are no provisioner's.
  if (!line.includes(END_OF_ADDRESS)) return undefined;
  const prefix = PROVISIONER_PREFIX.exec(line.toString('latin1'))?.[0];
  return prefix === undefined ? undefined : line.subarray(0, prefix.length);
}
