import { describeFault } from './faults/schedule.ts';
import type { SimulationFigures, SimulationResult } from './simulate.ts';

/** Figures of a run over many seeds. */
export interface Totals extends SimulationFigures {
  readonly seeds: number;
  readonly firstSeed: number;
  readonly faults: number;
  readonly violations: number;
  readonly seconds: number;
}

export function addUp(results: readonly SimulationResult[], run: Pick<Totals, 'firstSeed' | 'seconds'>): Totals {
  const sum = (figure: (result: SimulationResult) => number) => results.reduce((total, r) => total + figure(r), 0);
  return {
    ...run,
    seeds: results.length,
    faults: sum(({ faults }) => faults.length),
    tasks: sum(({ figures }) => figures.tasks),
    attempts: sum(({ figures }) => figures.attempts),
    applies: sum(({ figures }) => figures.applies),
    needsAttention: sum(({ figures }) => figures.needsAttention),
    logBytes: sum(({ figures }) => figures.logBytes),
    events: sum(({ figures }) => figures.events),
    simulatedSeconds: sum(({ figures }) => figures.simulatedSeconds),
    violations: sum(({ violations }) => violations.length),
  };
}

/** Figures of several runs as those of one. */
export function mergeTotals(parts: readonly Totals[], firstSeed: number, seconds: number): Totals {
  const sum = (name: Exclude<keyof Totals, 'firstSeed' | 'seconds'>) =>
    parts.reduce((all, part) => all + part[name], 0);
  return {
    firstSeed,
    seconds,
    seeds: sum('seeds'),
    faults: sum('faults'),
    tasks: sum('tasks'),
    attempts: sum('attempts'),
    applies: sum('applies'),
    needsAttention: sum('needsAttention'),
    logBytes: sum('logBytes'),
    events: sum('events'),
    simulatedSeconds: sum('simulatedSeconds'),
    violations: sum('violations'),
  };
}

/** One line. */
export function summarise(totals: Totals): string {
  const number = (value: number) => value.toLocaleString('en');
  const hours = (totals.simulatedSeconds / 3600).toFixed(0);
  return (
    `sim: ${number(totals.seeds)} seeds from ${totals.firstSeed}, ${number(totals.faults)} faults, ${number(totals.tasks)} tasks, ` +
    `${number(totals.attempts)} attempts, ${number(totals.applies)} applies, ${number(totals.needsAttention)} left to a person, ` +
    `${number(totals.logBytes)} bytes of log compared, ${number(totals.events)} events in ${hours} simulated hours, ` +
    `${totals.seconds.toFixed(0)} s: ${number(totals.violations)} violations`
  );
}

/** Everything a person needs to understand a seed that went wrong. */
export function explain({ seed, violations, faults, lastEvents }: SimulationResult, options: string): string {
  return [
    `Seed ${seed} went wrong:`,
    ...violations.map((sentence) => `  ${sentence}`),
    faults.length === 0 ? 'It takes no fault at all.' : 'It takes these faults:',
    ...faults.map((fault) => `  ${describeFault(fault)}`),
    'What happened last:',
    ...lastEvents.map((line) => `  ${line}`),
    `Replay: npm run sim -- --seed ${seed} --seeds 1 --trace${options}`,
  ].join('\n');
}
