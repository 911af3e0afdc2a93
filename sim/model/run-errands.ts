import { Worker } from 'node:worker_threads';
import type { Errand, Report } from './explore-worker.ts';

/** What came of an errand: one report for each exploration. */
export type Outcome = readonly Extract<Report, { kind: 'explored' }>[];

export interface RunOptions {
  /** Errands at the same time, each in a thread of its own. */
  readonly threads: number;
  readonly onReport?: (errand: Errand, report: Report) => void;
}

/** Runs the errands; outcomes come in the order of the errands. Rejects when a thread fails. */
export async function runErrands(errands: readonly Errand[], { threads, onReport }: RunOptions): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const waiting = [...errands.entries()];
  const runNext = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, errand] = next;
      outcomes[index] = await runErrand(errand, (report) => onReport?.(errand, report));
    }
  };
  await Promise.all(Array.from({ length: threads }, runNext));
  return outcomes;
}

function runErrand(errand: Errand, onReport: (report: Report) => void): Promise<Outcome> {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  const explored: Extract<Report, { kind: 'explored' }>[] = [];
  const worker = new Worker(new URL('./explore-worker.ts', import.meta.url), { workerData: errand });
  worker.on('message', (report: Report) => {
    if (report.kind === 'explored') explored.push(report);
    onReport(report);
  });
  worker.once('error', reject);
  worker.once('exit', (code) =>
    code === 0 ? resolve(explored) : reject(new Error(`A thread ended with code ${code}.`)),
  );
  return promise;
}
