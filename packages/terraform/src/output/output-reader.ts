import { createErrorCollector, type ErrorCollector } from './diagnostics.ts';
import { createLineScanner } from './line-scanner.ts';
import { isCompletion, parseOutputLine } from './output-lines.ts';
import { createProgressTracker, type Progress } from './progress.ts';

/** Reads Terraform's human output as it passes by. */
export interface OutputReader {
  push(chunk: Uint8Array): void;
  /** There will be no more; a line without an end counts. */
  end(): void;
  progress(): Progress;
  errors: Pick<ErrorCollector, 'errors' | 'message'>;
}

/**
 * Follows one stream of human output, in chunks of any size, for progress and errors. Give it what Terraform wrote, unmasked:
 * it keeps only addresses, ids and diagnostics. `total` as for `createProgressTracker`.
 */
export function createOutputReader(options: { total?: number; maxErrorBytes?: number } = {}): OutputReader {
  const tracker = createProgressTracker(options.total === undefined ? {} : { total: options.total });
  const errors = createErrorCollector(options.maxErrorBytes === undefined ? {} : { maxBytes: options.maxErrorBytes });
  let complete = false;
  const scanner = createLineScanner((bytes, start, end) => {
    // Behind "Apply complete!" stand only the outputs, and their values may look like anything.
    const line = complete ? undefined : parseOutputLine(bytes, start, end);
    if (!line) return;
    tracker.feed(line);
    errors.feed(line);
    complete = line.kind === 'notice' && isCompletion(line.text);
  });
  return { push: scanner.push, end: scanner.end, progress: tracker.progress, errors };
}
