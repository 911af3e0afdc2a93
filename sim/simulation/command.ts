import { BUGS, type BugName, formatHunt, type Hunt, hunt } from './bugs.ts';
import { type Options, parseOptions } from './options.ts';
import { addUp, explain, mergeTotals, summarise } from './report.ts';
import { shrink } from './shrink.ts';
import { type SimulationOptions, type SimulationResult, simulate } from './simulate.ts';
import { type Part, SEEDS_PER_PROCESS, spread } from './spread.ts';

/** After so many seeds that went wrong the rest would tell nothing new. */
const ENOUGH_FAILURES = 3;
/** From so many seeds on it is a mistake when none of them applies anything. */
const MEANINGFUL_SEEDS = 3;

/** Runs the seeds that were asked for; gives the exit code. */
export async function runCommand(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options.hunt) return runHunts(options);
  const isSmall = options.trace || options.seeds <= SEEDS_PER_PROCESS;
  const { digests, failed, ...totals } = await (isSmall ? runHere(options) : runSpread(options));
  const isIdle = totals.seeds >= MEANINGFUL_SEEDS && totals.applies === 0;
  if (isIdle) say('Nothing was applied at all: the simulated world does not work.');
  if (options.json) print(JSON.stringify({ ...totals, digests, failed }, null, 2));
  else print(summarise(totals));
  return failed.length === 0 && !isIdle ? 0 : 1;
}

/** Shows that no planted mistake stays hidden; gives the exit code. */
async function runHunts({ seed: first, seeds, bug, kinds, json }: Options): Promise<number> {
  const range = Array.from({ length: seeds }, (_, at) => first + at);
  const hunts: Hunt[] = [];
  for (const name of bug === undefined ? (Object.keys(BUGS) as BugName[]) : [bug]) {
    const found = await hunt(name, range, async (seed, bugs) => (await simulate(seed, { kinds, bugs })).violations);
    hunts.push(found);
    if (!json) print(formatHunt(found));
  }
  if (json) print(JSON.stringify(hunts, null, 2));
  return hunts.every(({ seed }) => seed !== undefined) ? 0 : 1;
}

/** In this process, one after the other. */
async function runHere(options: Options): Promise<Part> {
  const begun = performance.now();
  const how = { ...howTo(options), ...(options.trace && !options.json ? { print } : {}) };
  const results: SimulationResult[] = [];
  for (let seed = options.seed; seed < options.seed + options.seeds; seed += 1) {
    const result = await simulate(seed, how);
    results.push(result.violations.length === 0 ? result : await shrink(simulate, result, howTo(options)));
    if (failuresOf(results).length >= ENOUGH_FAILURES) break;
  }
  const failed = failuresOf(results);
  tell(failed, options);
  const seconds = secondsSince(begun);
  return { ...addUp(results, { firstSeed: options.seed, seconds }), digests: digestsOf(results), failed };
}

/** In several processes, with a word on how far they are. */
async function runSpread(options: Options): Promise<Part> {
  const begun = performance.now();
  const parts = await spread(options, (done) => {
    const { seeds, violations } = mergeTotals(done, options.seed, secondsSince(begun));
    if (seeds > 0) say(`${seeds} of ${options.seeds} seeds, ${violations} violations`);
    return done.flatMap(({ failed }) => failed).length >= ENOUGH_FAILURES;
  });
  const failed = parts.flatMap((part) => part.failed);
  tell(failed, options);
  const digests = Object.assign({}, ...parts.map((part) => part.digests));
  return { ...mergeTotals(parts, options.seed, secondsSince(begun)), digests, failed };
}

const howTo = ({ bug, kinds }: Options): SimulationOptions => ({
  kinds,
  ...(bug === undefined ? {} : { bugs: { [bug]: true } }),
});

function tell(failed: readonly SimulationResult[], { bug, kinds, json }: Options): void {
  const more = `${kinds === undefined ? '' : ` --kinds ${kinds}`}${bug === undefined ? '' : ` --bug ${bug}`}`;
  if (!json) for (const result of failed) print(`${explain(result, more)}\n`);
}

const failuresOf = (results: readonly SimulationResult[]): SimulationResult[] =>
  results.filter(({ violations }) => violations.length > 0);

const digestsOf = (results: readonly SimulationResult[]): Record<number, string> =>
  Object.fromEntries(results.map(({ seed, digest }) => [seed, digest]));

const secondsSince = (begun: number): number => (performance.now() - begun) / 1000;

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const say = (text: string): void => void process.stderr.write(`${text}\n`);
