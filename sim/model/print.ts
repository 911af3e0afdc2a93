import type { Bounds } from './bounds.ts';
import { type Explored, PROPERTIES, type Summary, type Tried } from './figures.ts';

const count = (n: number): string => n.toLocaleString('en');

function formatBounds({ tasks, disturbances, kinds, statesPerApply, ghosts, ...more }: Bounds): string {
  const { maxReturns, maxLosses, logs, emptyPlans } = more;
  const who = tasks
    .map(({ type, autoApprove }) => (type === 'plan' ? 'plan' : autoApprove ? 'auto' : 'by hand'))
    .join(' + ');
  return [
    `2 agents, tasks: ${who}`,
    disturbances === 0 ? 'no disturbance' : `at most ${disturbances} of ${kinds.join(', ').replaceAll('_', ' ')}`,
    `${statesPerApply} state${statesPerApply > 1 ? 's' : ''} per apply`,
    `${maxReturns} returns, ${maxLosses} losses`,
    `${ghosts} ended attempt${ghosts === 1 ? '' : 's'} still heard of`,
    ...(logs ? ['logs'] : []),
    ...(emptyPlans ? ['plans without changes'] : []),
  ].join('; ');
}

const UNBOUNDED =
  'Without any bound: messages lost, late, doubled, reordered; partitions; deadlines in any order; restarts of the server;\n' +
  'cancel, close, approve, discard, unlock and decisions about quarantined states at any time.';

export function formatHeading(): string {
  return [UNBOUNDED, '', `${PROPERTIES.length} properties:`, ...PROPERTIES.map((name) => `  ${name}`)].join('\n');
}

export function formatExplored({ bounds, exploration, seconds }: Explored): string {
  const { states, transitions, depth, ends, complete, violation } = exploration;
  const lines = [
    `${bounds.name}: ${formatBounds(bounds)}`,
    `  ${count(states)} states, ${count(transitions)} transitions, depth ${depth}, ${count(ends)} ends, ${seconds.toFixed(1)} s; ` +
      (violation ? 'VIOLATED' : complete ? 'all explored, 0 violations' : 'NOT ALL EXPLORED'),
  ];
  if (violation) lines.push(`  ${violation.what}`, ...violation.trace.map((line, index) => `  ${index + 1}. ${line}`));
  return lines.join('\n');
}

export function formatTried(tried: readonly Tried[]): string {
  const rows = tried.map(({ mutant, killedBy }) => {
    const violation = killedBy?.exploration.violation;
    return [
      mutant.guard,
      violation ? (violation.what.split(':')[0] ?? '') : 'NOT NOTICED',
      violation ? `${violation.trace.length}` : '–',
    ];
  });
  return toTable(['guard taken out', 'property that is violated then', 'moves'], rows);
}

function toTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heading.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(heading), ...rows.map(line)].join('\n');
}

/** The one line of figures. */
export const formatSummary = (s: Summary): string =>
  `model: ${s.scenarios} scenarios, ${count(s.states)} states, ${count(s.transitions)} transitions, depth ${s.depth}, ` +
  `${s.properties} properties, ${s.violations} violations; ${s.noticed} of ${s.guards} missing guards noticed; ${s.seconds} s`;
