/** One line of what `GET /metrics` tells. */
export interface Series {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n' };

/** Reads Prometheus' text form; a line that is none is a mistake. */
export function parseExposition(text: string): Series[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    const found = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/s.exec(line);
    if (found === null) throw new Error(`This is no sample: ${line}`);
    const [, name = '', labels = '', value = ''] = found;
    const pairs = [...labels.matchAll(LABEL)].map(([, label = '', written = '']) => [
      label,
      written.replace(/\\(.)/g, (_, escaped: string) => ESCAPES[escaped] ?? escaped),
    ]);
    return { name, labels: Object.fromEntries(pairs), value: Number(value.replace('Inf', 'Infinity')) };
  });
}

/** The sum of all series of this name that have these labels; undefined when there is none. */
export function findValue(
  series: readonly Series[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const wanted = Object.entries(labels);
  const found = series.filter((one) => one.name === name && wanted.every(([key, value]) => one.labels[key] === value));
  return found.length === 0 ? undefined : found.reduce((total, { value }) => total + value, 0);
}
