import { registerHooks } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import type { Bounds } from './bounds.ts';
import type { Exploration, Progress } from './explore.ts';
import { applyMutant, type Mutant } from './mutants/mutant.ts';

/** What a worker is asked for: explorations one after the other, up to the first violation. */
export interface Errand {
  readonly bounds: readonly Bounds[];
  readonly maxStates: number;
  /** The guard that is missing in the step function this worker loads. */
  readonly mutant: Mutant | undefined;
}

export type Report =
  | { readonly kind: 'progress'; readonly bounds: Bounds; readonly progress: Progress }
  | { readonly kind: 'explored'; readonly bounds: Bounds; readonly exploration: Exploration; readonly seconds: number };

const { bounds, maxStates, mutant } = workerData as Errand;
if (mutant) replaceSource(mutant);

/** Only what this thread loads is changed, never a file. */
function replaceSource(wanted: Mutant): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(`/modules/tasks/lifecycle/${wanted.file}`)) return loaded;
      return { ...loaded, source: applyMutant(wanted, String(loaded.source)) };
    },
  });
}

const post = (report: Report): void => parentPort?.postMessage(report);
const { explore } = await import('./explore.ts');
for (const each of bounds) {
  const startedAt = performance.now();
  const onProgress = (progress: Progress): void => post({ kind: 'progress', bounds: each, progress });
  const exploration = explore(each, { maxStates, onProgress });
  post({ kind: 'explored', bounds: each, exploration, seconds: (performance.now() - startedAt) / 1000 });
  if (exploration.violation) break;
}
