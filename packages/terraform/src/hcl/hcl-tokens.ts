/** A piece of HCL, only as fine as finding blocks and checking balance need it. Comments are left out. */
export type HclToken =
  | { kind: 'word'; text: string }
  /** `text` is the literal between the quotes as written; `template` tells that `${` or `%{` stands in it unescaped. */
  | { kind: 'string'; text: string; template: boolean }
  | { kind: 'heredoc'; marker: string; template: boolean }
  | { kind: 'open'; text: '{' | '[' | '(' }
  | { kind: 'close'; text: '}' | ']' | ')' }
  | { kind: 'newline' }
  | { kind: 'other'; text: string };

/** Something was opened and never closed; `message` is a sentence fragment such as `a string is not closed`. */
export class HclSyntaxError extends Error {
  override name = 'HclSyntaxError';
}

interface Cursor {
  readonly source: string;
  at: number;
}

const SPACE = /[^\S\n]+/y;
const LINE_COMMENT = /(?:#|\/\/)[^\n]*/y;
const WORD = /[\p{ID_Start}_][\p{ID_Continue}-]*/uy;
const HEREDOC = /<<-?([\p{ID_Start}_][\p{ID_Continue}-]*)\r?\n/uy;
const NUMBER = /[\d.]+/y;

/**
 * Cuts HCL native syntax into tokens, linear in its length.
 * @throws HclSyntaxError when a string, heredoc, comment or template is not closed.
 */
export function* tokenizeHcl(source: string): Generator<HclToken> {
  const cursor: Cursor = { source, at: source.charCodeAt(0) === 0xfeff ? 1 : 0 };
  while (cursor.at < source.length) {
    const token = readToken(cursor);
    if (token) yield token;
  }
}

function readToken(cursor: Cursor): HclToken | undefined {
  const { source, at } = cursor;
  const char = source[at] as string;
  if (char === '\n') return advance(cursor, 1, { kind: 'newline' });
  if (char === '"') return readString(cursor);
  if (char === '{' || char === '[' || char === '(') return advance(cursor, 1, { kind: 'open', text: char });
  if (char === '}' || char === ']' || char === ')') return advance(cursor, 1, { kind: 'close', text: char });
  if (take(cursor, SPACE) || take(cursor, LINE_COMMENT)) return undefined;
  if (source.startsWith('/*', at)) return skipBlockComment(cursor);
  if (source.startsWith('<<', at)) return readHeredoc(cursor);
  const word = take(cursor, WORD)?.[0];
  if (word !== undefined) return { kind: 'word', text: word };
  const number = take(cursor, NUMBER)?.[0];
  return number === undefined ? advance(cursor, 1, { kind: 'other', text: char }) : { kind: 'other', text: number };
}

function advance(cursor: Cursor, by: number, token: HclToken): HclToken {
  cursor.at += by;
  return token;
}

function take(cursor: Cursor, pattern: RegExp): RegExpExecArray | undefined {
  pattern.lastIndex = cursor.at;
  const match = pattern.exec(cursor.source);
  if (match) cursor.at = pattern.lastIndex;
  return match ?? undefined;
}

function skipBlockComment(cursor: Cursor): undefined {
  const end = cursor.source.indexOf('*/', cursor.at + 2);
  if (end < 0) throw new HclSyntaxError('a comment is not closed');
  cursor.at = end + 2;
}

function readString(cursor: Cursor): HclToken {
  const start = ++cursor.at;
  let template = false;
  for (;;) {
    const char = cursor.source[cursor.at];
    if (char === '"') break;
    if (char === undefined || char === '\n' || (char === '\\' && cursor.source[cursor.at + 1] === '\n')) {
      throw new HclSyntaxError('a string is not closed');
    }
    if (char === '\\') cursor.at += 2;
    else if (skipTemplate(cursor)) template = true;
    else cursor.at += 1;
  }
  const text = cursor.source.slice(start, cursor.at);
  cursor.at += 1;
  return { kind: 'string', text, template };
}

function readHeredoc(cursor: Cursor): HclToken {
  const marker = take(cursor, HEREDOC)?.[1];
  if (marker === undefined) return advance(cursor, 2, { kind: 'other', text: '<<' });
  let template = false;
  let lineStart = true;
  while (cursor.at < cursor.source.length) {
    if (lineStart && skipEndMarker(cursor, marker)) return { kind: 'heredoc', marker, template };
    lineStart = cursor.source[cursor.at] === '\n';
    if (!lineStart && skipTemplate(cursor)) template = true;
    else cursor.at += 1;
  }
  throw new HclSyntaxError(`a heredoc is not closed; its end marker ${marker} must stand on a line of its own`);
}

function skipEndMarker(cursor: Cursor, marker: string): boolean {
  const newline = cursor.source.indexOf('\n', cursor.at);
  const end = newline < 0 ? cursor.source.length : newline;
  // Looking no further than a marker can be keeps a heredoc with one very long line linear.
  if (
    !cursor.source
      .slice(cursor.at, Math.min(end, cursor.at + 1024))
      .trimStart()
      .startsWith(marker)
  )
    return false;
  if (cursor.source.slice(cursor.at, end).trim() !== marker) return false;
  cursor.at = end;
  return true;
}

/** True, and behind the closing brace, when a template sequence began here; `$${` and `%%{` are text and are skipped. */
function skipTemplate(cursor: Cursor): boolean {
  const { source, at } = cursor;
  const char = source[at];
  if (char !== '$' && char !== '%') return false;
  if (source[at + 1] === char && source[at + 2] === '{') {
    cursor.at += 2;
    return false;
  }
  if (source[at + 1] !== '{') return false;
  cursor.at += 2;
  skipBraces(cursor);
  return true;
}

function skipBraces(cursor: Cursor): void {
  for (let depth = 1; cursor.at < cursor.source.length; ) {
    const token = readToken(cursor);
    if (token?.kind === 'open' && token.text === '{') depth += 1;
    if (token?.kind === 'close' && token.text === '}') depth -= 1;
    if (depth === 0) return;
  }
  throw new HclSyntaxError('a template sequence is not closed');
}
