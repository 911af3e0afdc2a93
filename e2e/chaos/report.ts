import { countDiffering } from './check-logs.ts';
import type { FaultTally } from './fault-loop.ts';
import { FAULT_NAMES } from './faults.ts';
import type { Observation } from './observation.ts';
import type { Violation, ViolationKind } from './violation.ts';

/** What a run came to, as `--json` prints it. */
export interface ChaosReport {
  readonly seed: number;
  readonly minutes: number;
  readonly faults: number;
  readonly faults_by_kind: Readonly<Record<string, number>>;
  /** Faults that found nobody to be done to; not counted as faults. */
  readonly missed_by_kind: Readonly<Record<string, number>>;
  /** What people did besides asking for tasks. */
  readonly acts: Readonly<Record<string, number>>;
  readonly tasks: number;
  readonly tasks_by_status: Readonly<Record<string, number>>;
  readonly resources_applied: number;
  /** Of tasks without success: applied, and neither recorded nor seen done, because Terraform was killed at that very moment. */
  readonly resources_in_flight: number;
  readonly applies_doubled: number;
  readonly logs_compared: number;
  /** Logs of which no trace could be kept on their host, because its disk was full. */
  readonly logs_without_trace: number;
  readonly log_bytes: number;
  readonly log_bytes_differing: number;
  readonly states_lost: number;
  readonly verdicts: number;
  readonly seconds_to_verdict_median: number | null;
  readonly seconds_to_verdict_max: number | null;
  readonly tasks_without_verdict: number;
  readonly locks_left: number;
  readonly not_possible_here: readonly string[];
  readonly violations: readonly Violation[];
}

export interface ReportFacts {
  readonly seed: number;
  readonly minutes: number;
  readonly tally: FaultTally;
  readonly acts: ReadonlyMap<string, number>;
  readonly seen: Observation;
  readonly verdictsMs: readonly number[];
  readonly inFlight: number;
  readonly undecided: number;
  readonly lacks: readonly string[];
  readonly violations: readonly Violation[];
}

export function buildReport({ tally, seen, violations, ...facts }: ReportFacts): ChaosReport {
  const logs = seen.tasks.flatMap((task) => task.logs);
  const traced = logs.filter((log) => log.expected !== undefined);
  const count = (kind: ViolationKind): number => violations.filter((violation) => violation.kind === kind).length;
  const byKind = (counts: ReadonlyMap<string, number>) =>
    Object.fromEntries(FAULT_NAMES.map((kind) => [kind, counts.get(kind) ?? 0]));
  return {
    seed: facts.seed,
    minutes: round(facts.minutes),
    faults: sum([...tally.injected.values()]),
    faults_by_kind: byKind(tally.injected),
    missed_by_kind: Object.fromEntries(tally.missed),
    acts: Object.fromEntries(facts.acts),
    tasks: seen.tasks.length,
    tasks_by_status: countBy(seen.tasks.map(({ status }) => status)),
    resources_applied: seen.ledger.length,
    resources_in_flight: facts.inFlight,
    applies_doubled: count('doubled_apply'),
    logs_compared: traced.length,
    logs_without_trace: logs.length - traced.length,
    log_bytes: sum(traced.map(({ expected }) => expected?.length ?? 0)),
    log_bytes_differing: sum(logs.map(countDiffering)),
    states_lost: count('state_lost'),
    verdicts: facts.verdictsMs.length,
    seconds_to_verdict_median: quantile(facts.verdictsMs, 0.5),
    seconds_to_verdict_max: quantile(facts.verdictsMs, 1),
    tasks_without_verdict: facts.undecided,
    locks_left: count('lock_left'),
    not_possible_here: facts.lacks,
    violations,
  };
}

/** Several lines for people; the last one is the line of figures. */
export function formatReport(report: ChaosReport): string {
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ') || 'none';
  return [
    `faults by kind: ${list(report.faults_by_kind)}`,
    `faults that met nobody: ${list(report.missed_by_kind)}`,
    `acts of people: ${list(report.acts)}`,
    `tasks: ${list(report.tasks_by_status)}`,
    `resources applied: ${report.resources_applied}, of them killed in the act and recorded nowhere: ${report.resources_in_flight}`,
    `logs: ${report.logs_compared} compared (${report.log_bytes} bytes), ${report.logs_without_trace} without a trace to compare with`,
    ...report.not_possible_here.map((sentence) => `not possible here: ${sentence}`),
    ...report.violations.map(({ kind, sentence }) => `VIOLATION ${kind}: ${sentence}`),
    '',
    formatFigures(report),
  ].join('\n');
}

/** The one line of figures. */
const formatFigures = (report: ChaosReport): string =>
  [
    `chaos seed ${report.seed}, ${report.minutes} min: ${report.faults} faults, ${report.tasks} tasks`,
    `applies doubled ${report.applies_doubled}`,
    `log bytes differing ${report.log_bytes_differing}`,
    `states lost ${report.states_lost}`,
    `time to verdict median ${report.seconds_to_verdict_median ?? '–'} s, max ${report.seconds_to_verdict_max ?? '–'} s`,
    `locks left without a verdict ${report.locks_left + report.tasks_without_verdict}`,
    `violations ${report.violations.length}`,
  ].join('; ');

function quantile(samplesMs: readonly number[], share: number): number | null {
  if (samplesMs.length === 0) return null;
  const sorted = samplesMs.toSorted((a, b) => a - b);
  return round((sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number) / 1000);
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
const round = (value: number): number => Math.round(value * 10) / 10;
