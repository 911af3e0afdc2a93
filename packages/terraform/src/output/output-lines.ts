import { skipColours, stripColours } from './ansi.ts';

/** What Terraform says of one resource instance. */
export interface ResourceLine {
  kind: 'resource';
  address: string;
  /** The rest of the line, such as `Creating...` or `Creation complete after 2s [id=x]`. */
  text: string;
}
/** A line of Terraform's own: the plan's sum, interrupts, locks, crashes. */
export interface NoticeLine {
  kind: 'notice';
  text: string;
}
/** A line of a diagnostic, without its border. `begin` and `end` are the border's corners. */
export interface DiagnosticLine {
  kind: 'diagnostic';
  part: 'begin' | 'body' | 'end';
  text: string;
}
export type OutputLine = ResourceLine | NoticeLine | DiagnosticLine;

/** How Terraform ends an apply in which everything went well; only the outputs follow. */
export const COMPLETIONS = ['Apply complete! ', 'Destroy complete! '] as const;
export const isCompletion = (text: string): boolean => COMPLETIONS.some((start) => text.startsWith(start));

const NOTICES = [
  ...COMPLETIONS,
  'Plan: ',
  'Interrupt received.',
  'Two interrupts received.',
  'Stopping operation...',
  'Releasing state lock.',
  'Acquiring state lock.',
  'Error: ',
  'panic: ',
  'fatal error: ',
];
const NOTICE_STARTS = new Set(NOTICES.map((notice) => notice.charCodeAt(0)));

/**
 * What a line of human output says, or undefined when it says nothing that is looked for. Output of provisioners, by far the
 * most, is told by its prefix and turned down without decoding; what it holds is never read as Terraform's own words.
 */
export function parseOutputLine(bytes: Uint8Array, start: number, end: number): OutputLine | undefined {
  const at = skipColours(bytes, start, end);
  const first = bytes[at] as number;
  if (at >= end) return undefined;
  if (first === 0xe2) return parseDiagnostic(decode(bytes, at, end));
  // "fatal error: " and "panic: " look like addresses at first, so notices come first.
  if (NOTICE_STARTS.has(first)) {
    const notice = parseNotice(bytes, at, end);
    if (notice) return notice;
  }
  if (!isWordStart(first)) return undefined;
  const colon = findColon(bytes, at, end);
  if (colon === undefined) return undefined;
  return { kind: 'resource', address: decode(bytes, at, colon), text: decode(bytes, colon + 1, end).trim() };
}

function parseNotice(bytes: Uint8Array, at: number, end: number): NoticeLine | undefined {
  // Colours may stand inside of the word that a notice begins with.
  const head = decode(bytes, at, Math.min(end, at + 64));
  return NOTICES.some((notice) => head.startsWith(notice))
    ? { kind: 'notice', text: decode(bytes, at, end) }
    : undefined;
}

function parseDiagnostic(text: string): DiagnosticLine | undefined {
  const border = text[0];
  if (border === '╷') return { kind: 'diagnostic', part: 'begin', text: '' };
  if (border === '╵') return { kind: 'diagnostic', part: 'end', text: '' };
  if (border === '│') return { kind: 'diagnostic', part: 'body', text: text.slice(text[1] === ' ' ? 2 : 1).trimEnd() };
  return undefined;
}

const decode = (bytes: Uint8Array, start: number, end: number): string =>
  stripColours(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8'));

const SPACE = 0x20;
const QUOTE = 0x22;
const OPEN = 0x28;
const CLOSE = 0x29;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const isWordStart = (byte: number): boolean =>
  (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f;

/** The colon behind an address; undefined when there is none, or when a provisioner's name stands before it. */
function findColon(bytes: Uint8Array, at: number, end: number): number | undefined {
  let open = -1;
  for (let pos = at; pos < end; pos++) {
    const byte = bytes[pos];
    if (byte === QUOTE) pos = skipQuoted(bytes, pos, end);
    else if (byte === COLON) return bytes[pos - 1] === CLOSE && !isDeposed(bytes, open, pos) ? undefined : pos;
    else if (byte === OPEN) open = pos;
    // Outside of quotes an address has no blanks; one may stand before "(local-exec)" or "(deposed object 1a2b3c4d)".
    else if (byte === SPACE && open < 0 && bytes[pos + 1] !== OPEN) return undefined;
  }
  return undefined;
}

function skipQuoted(bytes: Uint8Array, at: number, end: number): number {
  for (let pos = at + 1; pos < end; pos++) {
    if (bytes[pos] === BACKSLASH) pos += 1;
    else if (bytes[pos] === QUOTE) return pos;
  }
  return end;
}

const isDeposed = (bytes: Uint8Array, open: number, colon: number): boolean =>
  decode(bytes, open, colon).startsWith('(deposed object ');
