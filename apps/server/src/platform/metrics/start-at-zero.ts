import type { Counter } from 'prom-client';

/** Shows a counter at zero from the start, so that its first increase is one: a series that appears with 1 has no rate. */
export function startAtZero<L extends string>(counter: Counter<L>, label: L, values: readonly string[]): void {
  for (const value of values) counter.inc({ [label]: value } as Record<L, string>, 0);
}
