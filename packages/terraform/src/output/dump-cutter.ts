import { COMPLETIONS } from './output-lines.ts';

/** A run of bytes, in order: Terraform's output, or a state that it printed in clear because it could save it nowhere. */
export interface OutputSegment {
  kind: 'output' | 'dump';
  bytes: Uint8Array;
}

/** Where a cutter stands; another one made from it goes on with the byte at `offset`. */
export interface CutterPosition {
  /** Bytes handed out so far, of both kinds. */
  offset: number;
  /** `passing` after the end of the apply: what follows are outputs, which may look like a state. */
  mode: 'output' | 'dump' | 'passing';
  /** Whether the byte at `offset` begins a line. */
  lineStart: boolean;
}

/** Cuts emergency dumps out of the output of an apply. What comes out does not depend on where chunks begin and end. */
export interface DumpCutter {
  push(chunk: Uint8Array): OutputSegment[];
  /** Hands out what was held back. A dump without an end stays a dump. */
  end(): OutputSegment[];
  position(): CutterPosition;
}

// When an apply can neither save its state nor write errored.tfstate, Terraform prints the state as indented JSON on lines of
// its own, secrets and all; in the indented JSON of a state a closing brace at the beginning of a line is the last one.
const DUMP_START = Buffer.from('\n{\n  "version": 4,\n  "terraform_version": "');
const DUMP_END = Buffer.from('\n}\n');
const ENDINGS = COMPLETIONS.map((text) => Buffer.from(`\n${text}`));
const NEWLINE = Buffer.from('\n');
const NOTHING = Buffer.alloc(0);

/** Holds back a few bytes at most. */
export function createDumpCutter(from: CutterPosition = { offset: 0, mode: 'output', lineStart: true }): DumpCutter {
  let { offset, mode, lineStart } = from;
  let held: Uint8Array = NOTHING;

  const take = (bytes: Uint8Array, out: OutputSegment[]) => {
    if (bytes.length === 0) return;
    out.push({ kind: mode === 'dump' ? 'dump' : 'output', bytes });
    offset += bytes.length;
    lineStart = bytes.at(-1) === 0x0a;
  };

  /** Hands out up to the next change of mode; what is left may be searched again. */
  const step = (bytes: Uint8Array, out: OutputSegment[]): Uint8Array => {
    // Every pattern begins with a line break; the one before a line that begins here was handed out already.
    const context = lineStart ? 1 : 0;
    const text = Buffer.concat(lineStart ? [NEWLINE, bytes] : [bytes]);
    const change = findChange(text, mode);
    const end = Math.max(0, (change ? change.at : text.length - heldBack(text, mode)) - context);
    take(bytes.subarray(0, end), out);
    const rest = bytes.subarray(end);
    if (change) mode = change.mode;
    else held = rest;
    return change ? rest : NOTHING;
  };

  return {
    push(chunk) {
      const out: OutputSegment[] = [];
      let rest: Uint8Array = held.length > 0 ? Buffer.concat([held, chunk]) : Buffer.from(chunk);
      held = NOTHING;
      while (rest.length > 0 && mode !== 'passing') rest = step(rest, out);
      take(rest, out);
      return out;
    },
    end() {
      const out: OutputSegment[] = [];
      take(held, out);
      held = NOTHING;
      return out;
    },
    position: () => ({ offset, mode, lineStart }),
  };
}

interface Change {
  /** The first byte of the new mode. */
  at: number;
  mode: CutterPosition['mode'];
}

function findChange(text: Buffer, mode: CutterPosition['mode']): Change | undefined {
  if (mode === 'dump') {
    const end = text.indexOf(DUMP_END);
    return end < 0 ? undefined : { at: end + DUMP_END.length, mode: 'output' };
  }
  const dump = text.indexOf(DUMP_START);
  const ends = ENDINGS.map((ending) => text.indexOf(ending)).filter((at) => at >= 0);
  const end = Math.min(...ends);
  if (dump >= 0 && dump < end) return { at: dump + 1, mode: 'dump' };
  return ends.length > 0 ? { at: end + 1, mode: 'passing' } : undefined;
}

/**
 * How many bytes at the end must wait for more: those that may begin a pattern. Its first line break need not, `lineStart`
 * remembers it; else every line would arrive without its end.
 */
function heldBack(text: Buffer, mode: CutterPosition['mode']): number {
  if (mode === 'dump') return longestOverlap(text, DUMP_END);
  return Math.max(0, ...[DUMP_START, ...ENDINGS].map((pattern) => longestOverlap(text, pattern) - 1));
}

function longestOverlap(text: Buffer, pattern: Buffer): number {
  for (let length = Math.min(pattern.length - 1, text.length); length > 0; length--) {
    if (text.subarray(text.length - length).equals(pattern.subarray(0, length))) return length;
  }
  return 0;
}
