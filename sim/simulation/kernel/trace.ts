import { createHash } from 'node:crypto';

/** What happened, a line each, in words and with a running hash: two runs of one seed must have the same. */
export interface Trace {
  /** `who` names the part of the world that did it. */
  note(who: string, what: string): void;
  /** The newest lines. */
  last(count: number): readonly string[];
  /** SHA-256 of all lines, hex. Ends the trace. */
  digest(): string;
}

const KEPT_LINES = 400;

/** `print` is given every line as it comes. */
export function createTrace(now: () => number, start: number, print?: (line: string) => void): Trace {
  const hash = createHash('sha256');
  const kept: string[] = [];
  return {
    note(who, what) {
      const line = `${((now() - start) / 1000).toFixed(3).padStart(10)}  ${who.padEnd(14)} ${what}`;
      hash.update(line);
      kept.push(line);
      if (kept.length > 2 * KEPT_LINES) kept.splice(0, KEPT_LINES);
      print?.(line);
    },
    last: (count) => kept.slice(-count),
    digest: () => hash.digest('hex'),
  };
}
