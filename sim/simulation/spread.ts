import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Options } from './options.ts';
import type { Totals } from './report.ts';
import type { SimulationResult } from './simulate.ts';

/** What a process that lived through some seeds has to say of them: its `--json` document. */
export interface Part extends Totals {
  /** Of each history, by seed. */
  readonly digests: Readonly<Record<string, string>>;
  /** Seeds that went wrong, shrunk. */
  readonly failed: readonly SimulationResult[];
}

/** So many seeds live one after the other in one process; a new one begins with empty memory. */
export const SEEDS_PER_PROCESS = 25;

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const MOST_OUTPUT = 256 * 1024 * 1024;

/**
 * Lives through the seeds in processes of their own, as many at once as there are processors. What comes of a seed does not depend
 * on who lives through it.
 *
 * @param isEnough asked after each part; true begins no more of them
 * @returns the parts in the order of their seeds
 */
export async function spread(options: Options, isEnough: (parts: readonly Part[]) => boolean): Promise<Part[]> {
  const firsts = Array.from(
    { length: Math.ceil(options.seeds / SEEDS_PER_PROCESS) },
    (_, n) => options.seed + n * SEEDS_PER_PROCESS,
  );
  const end = options.seed + options.seeds;
  const parts: Part[] = [];
  async function liveThrough(): Promise<void> {
    for (let first = firsts.shift(); first !== undefined && !isEnough(parts); first = firsts.shift())
      parts.push(await startPart(options, first, Math.min(SEEDS_PER_PROCESS, end - first)));
  }
  await Promise.all(Array.from({ length: availableParallelism() }, liveThrough));
  return parts.toSorted((a, b) => a.firstSeed - b.firstSeed);
}

function startPart({ kinds, bug }: Options, seed: number, seeds: number): Promise<Part> {
  const args = ['--seed', String(seed), '--seeds', String(seeds), '--json'];
  if (kinds !== undefined) args.push('--kinds', kinds.join());
  if (bug !== undefined) args.push('--bug', bug);
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [MAIN, ...args], { maxBuffer: MOST_OUTPUT }, (error, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout));
      } catch {
        reject(new Error(`The simulation of the seeds from ${seed} on broke down: ${stderr || error?.message}`));
      }
    });
  });
}
