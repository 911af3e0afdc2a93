import { existsSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';

/** Bytes before the raw offset `to`, and behind the mark before, were found at `at` (milliseconds since 1970). */
interface Mark {
  to: number;
  readonly at: number;
}

/**
 * When which bytes were written, to about a second, as seen by somebody who never waits for the server. So lines that
 * are sent hours later, by another runner even, still carry their own time.
 */
export interface WriteTimes {
  /** All bytes before `to` are there by now. */
  note(to: number): void;
  /** When the byte was written; now, when nobody has seen it yet. */
  timeOf(rawOffset: number): number;
  /** Where the bytes end that were written within `spanMs` after the one at `rawOffset`. */
  spanEnd(rawOffset: number, spanMs: number): number;
  forgetBefore(rawOffset: number): void;
  /** Writes down what has been noted. A mark that is still open is lost with us: its bytes get the successor's time. */
  save(): Promise<void>;
}

const RESOLUTION_MS = 1_000;
const SEPARATOR = ' ';

/** Goes on with the marks in the file at `path`, if there are any. */
export async function openWriteTimes(path: string, now: () => number): Promise<WriteTimes> {
  let marks = existsSync(path) ? parseMarks(await readFile(path, 'latin1').catch(() => '')) : [];
  let saved = marks.length;

  const find = (rawOffset: number) => marks.findIndex(({ to }) => to > rawOffset);

  return {
    note(to) {
      const at = now();
      const last = marks.at(-1);
      if (last && to <= last.to) return;
      if (last && marks.length > saved && at - last.at < RESOLUTION_MS) last.to = to;
      else marks.push({ to, at });
    },
    timeOf(rawOffset) {
      return marks[find(rawOffset)]?.at ?? now();
    },
    spanEnd(rawOffset, spanMs) {
      const first = find(rawOffset);
      if (first < 0) return Number.POSITIVE_INFINITY;
      const until = (marks[first] as Mark).at + spanMs;
      const after = marks.findIndex(({ at }, i) => i > first && at > until);
      if (after >= 0) return (marks[after - 1] as Mark).to;
      // Behind the last mark of a predecessor lies what it had not written down: of another time, perhaps.
      return marks.length > saved ? Number.POSITIVE_INFINITY : (marks.at(-1) as Mark).to;
    },
    forgetBefore(rawOffset) {
      const kept = find(rawOffset);
      const gone = Math.min(saved, Math.max(0, kept));
      marks = marks.slice(gone);
      saved -= gone;
    },
    async save() {
      const closed = marks.slice(saved, -1);
      saved += closed.length;
      const lines = closed.map(({ to, at }) => `${to}${SEPARATOR}${at}\n`).join('');
      if (lines !== '') await appendFile(path, lines, { mode: 0o600 }).catch(() => {});
    },
  };
}

/** A line cut short by a crash, or anything else that is not a later mark, is left out. */
function parseMarks(text: string): Mark[] {
  const marks: Mark[] = [];
  for (const line of text.split('\n').slice(0, -1)) {
    const [to = Number.NaN, at = Number.NaN] = line.split(SEPARATOR).map(Number);
    if (to > (marks.at(-1)?.to ?? 0) && Number.isFinite(at)) marks.push({ to, at });
  }
  return marks;
}
