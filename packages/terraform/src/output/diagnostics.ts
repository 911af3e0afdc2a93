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

export interface ErrorCollectorOptions {
  /** Bounds what is kept in all, in UTF-16 units; default 16,000. An error over it is cut with a note. */
  maxBytes?: number;
  /** Errors gathered by a predecessor. */
  from?: readonly string[];
}

export function createErrorCollector({ maxBytes = 16_000, from = [] }: ErrorCollectorOptions = {}): ErrorCollector {
  const errors = [...from];
  let left = from.reduce((rest, text) => rest - text.length, maxBytes);
  let dropped = 0;
  let block: string[] | undefined;

  const keep = (text: string) => {
    if (left <= 0) {
      dropped += 1;
      return;
    }
    errors.push(text.length <= left ? text : `${text.slice(0, left)}\n(cut; the log has the rest)`);
    left -= text.length;
  };
  return {
    feed(line) {
      if (line.kind === 'notice' && /^(?:Error|panic|fatal error): /.test(line.text)) keep(line.text);
      if (line.kind !== 'diagnostic') return;
      if (line.part === 'body') {
        block?.push(line.text);
        return;
      }
      const text = textOf(block);
      if (text !== undefined) keep(text);
      block = line.part === 'begin' ? [] : undefined;
    },
    errors: () => [...errors],
    message() {
      const open = textOf(block);
      return summarise(open === undefined ? errors : [...errors, open], dropped);
    },
  };
}

/** The text of a block when it is an error, not a warning. */
function textOf(block: readonly string[] | undefined): string | undefined {
  const text = block?.join('\n').trim();
  return text?.startsWith('Error: ') ? text : undefined;
}

function summarise(errors: readonly string[], dropped: number): string | null {
  const telling = errors.filter((text) => !PREAMBLE.test(text));
  const [first = errors[0], ...rest] = telling;
  if (first === undefined) return null;
  const others = rest.length + dropped;
  if (others === 0) return first;
  return `${first}\n\n(and ${others} more ${others === 1 ? 'error' : 'errors'}; the log has all of them)`;
}
