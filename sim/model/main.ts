import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { type Bounds, SCENARIOS, SMALL_SCENARIOS } from './bounds.ts';
import type { Errand, Report } from './explore-worker.ts';
import { type Explored, isWell, summarise, type Tried } from './figures.ts';
import { MUTANTS } from './mutants/list.ts';
import { formatExplored, formatHeading, formatSummary, formatTried } from './print.ts';
import { runErrands } from './run-errands.ts';

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    /** Only take guards out. */
    mutants: { type: 'boolean', default: false },
    /** Only explore. */
    scenarios: { type: 'boolean', default: false },
    /** Only what has this in its name. */
    only: { type: 'string', default: '' },
    /** Disturbances on one path, instead of each scenario's own bound. */
    disturbances: { type: 'string' },
    threads: { type: 'string', default: `${Math.min(2, availableParallelism())}` },
  },
});

/** Far more than any scenario has; a bound that was raised too far ends here instead of with the machine's memory. */
const MOST_STATES = 30_000_000;
/** A missing guard is found early or not at all. */
const MOST_STATES_OF_MUTANT = 60_000;
const PROGRESS_EVERY_MS = 5_000;
const threads = Number(flags.threads);
let toldAt = 0;

async function exploreAll(): Promise<Explored[]> {
  const chosen = SCENARIOS.filter(({ name }) => name.includes(flags.only)).map(withFlags);
  if (!flags.json) console.log(`${formatHeading()}\n`);
  const errands = chosen.map((bounds): Errand => ({ bounds: [bounds], maxStates: MOST_STATES, mutant: undefined }));
  const outcomes = await runErrands(errands, { threads, onReport: (_errand, report) => tell(report) });
  return outcomes.flat();
}

const withFlags = (bounds: Bounds): Bounds =>
  flags.disturbances === undefined ? bounds : { ...bounds, disturbances: Number(flags.disturbances) };

function tell(report: Report): void {
  if (report.kind === 'explored' && !flags.json) console.log(`${formatExplored(report)}\n`);
  if (report.kind !== 'progress' || performance.now() - toldAt < PROGRESS_EVERY_MS) return;
  toldAt = performance.now();
  const { states, depth, frontier, statesPerSecond } = report.progress;
  process.stderr.write(
    `… ${report.bounds.name}: ${states} states, ${statesPerSecond}/s, depth ${depth}, ${frontier} ahead\n`,
  );
}

async function tryMutants(): Promise<Tried[]> {
  const mutants = MUTANTS.filter(({ guard }) => guard.includes(flags.only));
  const errands = mutants.map(
    (mutant): Errand => ({ bounds: SMALL_SCENARIOS, maxStates: MOST_STATES_OF_MUTANT, mutant }),
  );
  const outcomes = await runErrands(errands, { threads });
  const results = mutants.map((mutant, index): Tried => {
    const runs = outcomes[index] ?? [];
    const seconds = runs.reduce((sum, run) => sum + run.seconds, 0);
    return { mutant, killedBy: runs.find(({ exploration }) => exploration.violation), seconds };
  });
  if (!flags.json) console.log(`${formatTried(results)}\n`);
  return results;
}

const startedAt = performance.now();
const explored = flags.mutants ? [] : await exploreAll();
const tried = flags.scenarios ? [] : await tryMutants();
const summary = summarise(explored, tried, (performance.now() - startedAt) / 1000);
if (flags.json) console.log(JSON.stringify({ ...summary, explored, tried }));
else console.log(formatSummary(summary));
process.exitCode = isWell(summary) && summary.scenarios + summary.guards > 0 ? 0 : 1;
