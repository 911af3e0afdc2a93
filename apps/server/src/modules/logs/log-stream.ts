import type { AttemptId, LogLine, OrganizationId, Phase, TaskId } from '@groundcrew/protocol';

/** Names one stream: every attempt has one per phase it carries out. */
export interface StreamKey {
  attemptId: AttemptId;
  phase: Phase;
}

/** A stream as the store knows it. */
export interface StoredStream extends StreamKey {
  organizationId: OrganizationId;
  taskId: TaskId;
  attempt: number;
  length: number;
  /** Everything that the exit record names is stored. */
  whole: boolean;
  /** Nothing is waited for any more: it is whole, or its attempt has ended. Late bytes are still taken. */
  complete: boolean;
  /** Why it is not what Terraform wrote, though nothing is waited for. */
  incompleteReason: string | null;
  finalLength: number | null;
  checksum: string | null;
  archivedKey: string | null;
}

/** Bytes at their place in a stream. A gap stands for bytes that the size limit cut out; its content is the marker that people read. */
export interface Segment {
  offset: number;
  length: number;
  gap: boolean;
  content: Buffer;
  writtenAt: Date;
}

/** How much of one stream is kept: the first `headBytes` and the last `tailBytes`; what lies between becomes a gap. */
export interface LogLimits {
  headBytes: number;
  tailBytes: number;
}
export const DEFAULT_LOG_LIMITS: LogLimits = { headBytes: 256 * 1024 * 1024, tailBytes: 64 * 1024 * 1024 };

/** What becomes of a chunk that does not start at the stored length. */
export type Placement = { kind: 'append'; skip: number } | { kind: 'known'; overlap: number } | { kind: 'hole' };

/**
 * Where a chunk of `size` bytes at `offset` stands against a stream of `stored` bytes. `append` with `skip` > 0 and `known`
 * hold only if the overlapping bytes are the same; the caller compares them.
 */
export function placeChunk(stored: number, offset: number, size: number): Placement {
  if (offset > stored) return { kind: 'hole' };
  const overlap = Math.min(stored - offset, size);
  return overlap === size && size > 0 ? { kind: 'known', overlap } : { kind: 'append', skip: overlap };
}

/** The part of a stream that has to go so that head and tail fit the limits, on segment borders, or undefined. */
export function findExcess(
  segments: readonly { offset: number; length: number; gap: boolean }[],
  length: number,
  limits: LogLimits,
) {
  const tailStart = length - limits.tailBytes;
  const excess = segments.filter((s) => s.offset >= limits.headBytes && s.offset + s.length <= tailStart);
  const first = excess[0];
  const last = excess.at(-1);
  if (first === undefined || last === undefined || excess.every((s) => s.gap)) return undefined;
  return { from: first.offset, to: last.offset + last.length };
}

/** The line people read where bytes were cut out. */
export const gapMarker = (bytes: number): Buffer =>
  Buffer.from(`\n[groundcrew: ${bytes} bytes left out here, the log is larger than its limit]\n`);

// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal escapes start with ESC
const ESCAPES = /\u001b\[[0-9;:?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[@-Z\\-_]/g;
/** Takes terminal colours and other escape sequences out. */
export const stripEscapes = (text: string): string => text.replace(ESCAPES, '');

/** Terraform marks its diagnostics with a box and the word; all else is info. */
export function levelOf(line: string): LogLine['level'] {
  const start = stripEscapes(line.slice(0, 64)).replace(/^[\u2502\u2577\u2575\s]+/, '');
  if (start.startsWith('Error:')) return 'error';
  return start.startsWith('Warning:') ? 'warn' : 'info';
}

const NEWLINE = 0x0a;
/** A line longer than this is presented in pieces, so that a viewer never waits for the end of an endless one. */
const LONGEST_LINE = 64 * 1024;

/** A line with the byte offset it starts at. */
export interface PlacedLine {
  offset: number;
  text: string;
}

/** Splits bytes that arrive in pieces into lines; keeps the unfinished one until its end, {@link LONGEST_LINE} or `flush`. */
export function createLineSplitter(offset: number) {
  let held: Buffer = Buffer.alloc(0);
  let at = offset;

  const take = (count: number, rest: number): PlacedLine => {
    const raw = held.subarray(0, count);
    const line = { offset: at, text: raw.toString('utf8').replace(/\r$/, '') };
    held = held.subarray(count + rest);
    at += count + rest;
    return line;
  };

  return {
    /** Lines that are whole now. */
    push(bytes: Buffer): PlacedLine[] {
      held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
      const lines: PlacedLine[] = [];
      for (;;) {
        const end = held.indexOf(NEWLINE);
        if (end >= 0 && end <= LONGEST_LINE) lines.push(take(end, 1));
        else if (held.length > LONGEST_LINE) lines.push(take(LONGEST_LINE, 0));
        else return lines;
      }
    },
    /** The unfinished line, if there is one. */
    flush: (): PlacedLine[] => (held.length === 0 ? [] : [take(held.length, 0)]),
    /** Where the unfinished line starts: a viewer that comes back from here misses nothing. */
    resumeOffset: (): number => at,
  };
}
