import { type Options, parseOptions } from './options.ts';
import { addUp, explain, summarise } from './report.ts';
import { shrink } from './shrink.ts';
import { type SimulationOptions, type SimulationResult, simulate } from './simulate.ts';

/** After so many seeds that went wrong the rest would tell nothing new. */
const ENOUGH_FAILURES = 3;
/** From so many seeds on it is a mistake when none of them applies anything. */
const MEANINGFUL_SEEDS = 3;

/** Runs the seeds that were asked for; gives the exit code. */
export async function runCommand(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  const begun = performance.now();
  const results = await runSeeds(options);
  const seconds = (performance.now() - begun) / 1000;
  const totals = addUp(results, { firstSeed: options.seed, seconds });
  const isIdle = results.length >= MEANINGFUL_SEEDS && totals.applies === 0;
  if (isIdle) print('Nothing was applied at all: the simulated world does not work.');
  const failed = results.filter(({ violations }) => violations.length > 0);
  if (options.json) print(JSON.stringify({ ...totals, digests: digestsOf(results), failed }, null, 2));
  else print(summarise(totals));
  return failed.length === 0 && !isIdle ? 0 : 1;
}

async function runSeeds(options: Options): Promise<SimulationResult[]> {
  const how = { ...howTo(options), ...(options.trace && !options.json ? { print } : {}) };
  const results: SimulationResult[] = [];
  for (let seed = options.seed; seed < options.seed + options.seeds; seed += 1) {
    const result = await simulate(seed, how);
    results.push(result.violations.length === 0 ? result : await tell(result, options));
    if (results.filter(({ violations }) => violations.length > 0).length >= ENOUGH_FAILURES) break;
  }
  return results;
}

const howTo = ({ bug, kinds }: Options): SimulationOptions => ({
  kinds,
  ...(bug === undefined ? {} : { bugs: { [bug]: true } }),
});

async function tell(failed: SimulationResult, options: Options): Promise<SimulationResult> {
  const smallest = await shrink(simulate, failed, howTo(options));
  const { bug, kinds, json } = options;
  const more = `${kinds === undefined ? '' : ` --kinds ${kinds}`}${bug === undefined ? '' : ` --bug ${bug}`}`;
  if (!json) print(`${explain(smallest, more)}\n`);
  return smallest;
}

const digestsOf = (results: readonly SimulationResult[]): Record<number, string> =>
  Object.fromEntries(results.map(({ seed, digest }) => [seed, digest]));

const print = (text: string): void => void process.stdout.write(`${text}\n`);
