/** One measured figure, as `--json` prints it. */
export interface Row {
  name: string;
  value: number;
  unit: 'ms' | 's' | '×' | 'MB' | '%';
  /** The most it may be; null for a figure that stands beside another one for comparison. */
  target: number | null;
  met: boolean;
  /** What was measured in the same run and is compared with, in words. */
  ratio_to?: string;
}

/** Rounds to what is worth reading, and compares what was measured, not what is shown. */
export function createRow(
  name: string,
  value: number,
  unit: Row['unit'],
  target: number | null = null,
  ratioTo?: string,
): Row {
  return {
    name,
    value: Number(value.toPrecision(3)),
    unit,
    target,
    met: target === null || value <= target,
    ...(ratioTo === undefined ? {} : { ratio_to: ratioTo }),
  };
}

/** A table for people: the figures, what is to be reached, and whether it is. */
export function formatTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.name + (row.ratio_to === undefined ? '' : ` (${row.ratio_to})`),
    `${row.value} ${row.unit}`,
    row.target === null ? '' : `≤ ${row.target} ${row.unit}`,
    row.target === null ? '' : row.met ? 'met' : 'MISSED',
  ]);
  const all = [['what', 'measured', 'to reach', ''], ...cells];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((line) => line[column]?.length ?? 0)));
  const format = ([what = '', measured = '', target = '', verdict = '']: string[]) =>
    `${what.padEnd(widths[0] ?? 0)}  ${measured.padStart(widths[1] ?? 0)}  ${target.padStart(widths[2] ?? 0)}  ${verdict}`.trimEnd();
  return all.map(format).join('\n');
}
