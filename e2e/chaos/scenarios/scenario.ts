import type { Lab } from '../../harness/index.ts';

/** One number of the table, as it was measured. */
export interface Figure {
  readonly what: string;
  readonly measured: string;
  readonly target: string;
  readonly met: boolean;
}

interface ScenarioContext {
  readonly lab: Lab;
  /** How long the link is cut, in the scenario of that name. */
  readonly cutMinutes: number;
  readonly say: (line: string) => void;
}

/** A named scenario: one situation, made on purpose and measured, with the default figures of leases. */
export interface Scenario {
  readonly doc: string;
  run(context: ScenarioContext): Promise<Figure[]>;
}

/** A number of milliseconds, or of seconds, that may be so large at most; met when every sample is. */
export function atMost(
  what: string,
  samples: readonly number[],
  target: number,
  unit: 'ms' | 's' | 'bytes' = 's',
): Figure {
  const show = (sample: number): string => `${unit === 's' ? sample.toFixed(1) : Math.round(sample)} ${unit}`;
  const sorted = samples.toSorted((a, b) => a - b);
  const [median, max] = [sorted[Math.floor(samples.length / 2)] ?? 0, sorted.at(-1) ?? 0];
  const spread = samples.length > 1 ? `median ${show(median)}, max ${show(max)} of ${samples.length}` : show(max);
  return {
    what,
    measured: samples.length === 0 ? 'nothing was measured' : spread,
    target: `≤ ${target} ${unit}`,
    met: samples.length > 0 && samples.every((sample) => sample <= target),
  };
}

/** So many of so many, and all are needed. */
export const allOf = (what: string, found: number, of: number): Figure => ({
  what,
  measured: `${found} of ${of}`,
  target: `${of} of ${of}`,
  met: found === of,
});

/** Something that must not be at all. */
export const none = (what: string, found: number): Figure => ({
  what,
  measured: String(found),
  target: '0',
  met: found === 0,
});

export function formatFigures(figures: readonly Figure[]): string {
  const cells = figures.map(({ what, measured, target, met }) => [what, measured, target, met ? 'met' : 'MISSED']);
  const all = [['what', 'measured', 'to reach', ''], ...cells];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((line) => line[column]?.length ?? 0)));
  return all
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export const secondsSince = (startedAt: number): number => (performance.now() - startedAt) / 1000;
