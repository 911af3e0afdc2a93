import { createErrorCollector, type ErrorCollector } from './diagnostics.ts';
import { createLineScanner } from './line-scanner.ts';
import { isCompletion, parseOutputLine } from './output-lines.ts';
import { createProgressTracker, type Progress } from './progress.ts';

/** Reads Terraform's human output as it passes by. */
export interface OutputReader {
  push(chunk: Uint8Array): void;
  /** There will be no more; a line without an end counts. */
  end(): void;
  /** `completed` in it goes on growing. */
  progress(): Progress;
  errors: Pick<ErrorCollector, 'errors' | 'message'>;
  /** Everything another reader needs to go on; JSON, but unmasked. */
  snapshot(): ReaderSnapshot;
}

/** Where a reader stands. */
export interface ReaderSnapshot {
  /** Bytes read up to the end of the last whole line. The next reader is given what follows. */
  offset: number;
  progress: Progress;
  errors: string[];
}

export interface OutputReaderOptions {
  /** Number of operations of the plan being applied. */
  total?: number;
  /** Bound of what is kept of errors; see `createErrorCollector`. */
  maxErrorBytes?: number;
  /** Goes on where a predecessor stopped. An error that was just being printed then is missed. */
  from?: ReaderSnapshot;
}

/**
 * Follows one stream of human output, in chunks of any size, for progress and errors. Give it what Terraform wrote, unmasked:
 * it keeps only addresses, ids and diagnostics.
 */
export function createOutputReader({
  total = 0,
  maxErrorBytes = 16_000,
  from,
}: OutputReaderOptions = {}): OutputReader {
  const tracker = createProgressTracker({ total, ...(from && { from: from.progress }) });
  const errors = createErrorCollector({ maxBytes: maxErrorBytes, ...(from && { from: from.errors }) });
  let complete = from?.progress.complete ?? false;
  const scanner = createLineScanner((bytes, start, end) => {
    // Behind "Apply complete!" stand only the outputs, and their values may look like anything.
    const line = complete ? undefined : parseOutputLine(bytes, start, end);
    if (!line) return;
    tracker.feed(line);
    errors.feed(line);
    complete = line.kind === 'notice' && isCompletion(line.text);
  });
  return {
    push: scanner.push,
    end: scanner.end,
    progress: tracker.progress,
    errors,
    snapshot: () => ({
      offset: (from?.offset ?? 0) + scanner.consumed(),
      progress: tracker.progress(),
      errors: errors.errors(),
    }),
  };
}
