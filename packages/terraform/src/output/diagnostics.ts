import type { OutputLine } from './output-lines.ts';

/** Gathers Terraform's error diagnostics from its human output. */
export interface ErrorCollector {
  feed(line: OutputLine): void;
  /** The errors in order, each whole, without border and colours; together at most `maxBytes`. */
  errors(): string[];
  /** The first error that says what is wrong, with the number of others; null when there was none. */
  message(): string | null;
}

// Terraform puts this before the errors of a broken configuration; alone it says nothing.
const PREAMBLE = /problems during (?:initialisation|initialization)/;

/** `maxBytes` bounds what is kept in all, in UTF-16 units; default 16,000. An error over it is cut with a note. */
export function createErrorCollector({ maxBytes = 16_000 }: { maxBytes?: number } = {}): ErrorCollector {
  const errors: string[] = [];
  let block: string[] | undefined;
  let left = maxBytes;
  let dropped = 0;

  const keep = (text: string) => {
    if (left <= 0) {
      dropped += 1;
      return;
    }
    errors.push(text.length <= left ? text : `${text.slice(0, left)}\n(cut; the log has the rest)`);
    left -= text.length;
  };
  const close = () => {
    const text = block?.join('\n').trim();
    block = undefined;
    if (text?.startsWith('Error: ')) keep(text);
  };
  return {
    feed(line) {
      if (line.kind === 'notice' && /^(?:Error|panic|fatal error): /.test(line.text)) keep(line.text);
      if (line.kind !== 'diagnostic') return;
      if (line.part === 'body') block?.push(line.text);
      else close();
      if (line.part === 'begin') block = [];
    },
    errors: () => [...errors],
    message() {
      close();
      const first = errors.find((text) => !PREAMBLE.test(text)) ?? errors[0];
      if (first === undefined) return null;
      const others = errors.filter((text) => !PREAMBLE.test(text) && text !== first).length + dropped;
      return others === 0
        ? first
        : `${first}\n\n(and ${others} more ${others === 1 ? 'error' : 'errors'}; the log has all of them)`;
    },
  };
}
