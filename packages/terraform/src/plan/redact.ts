import { ExactNumber } from '../json/exact-json.ts';
import { markOf } from '../json/mirror.ts';

/** Stands where a sensitive value was. */
const SENSITIVE = { $sensitive: true } as const;
/** Stands where a value was left out because the whole would have been too large. */
export const OMITTED = { $omitted: true } as const;

const MARKERS = ['$sensitive', '$omitted', '$number', '$literal'];
// Deeper than people nest and shallow enough for everybody's stack.
const MAX_DEPTH = 200;

/**
 * A copy of `value` without what the map `sensitive` marks and without text that `isSecret` knows. Markers are objects with
 * one key: `{"$sensitive": true}`, `{"$omitted": true}`, `{"$number": "<digits>"}` for a number that a double cannot hold;
 * an object that looks like one of these without being one comes as `{"$literal": <object>}`.
 */
export function redact(value: unknown, sensitive: unknown, isSecret: (text: string) => boolean, depth = 0): unknown {
  if (sensitive === true) return SENSITIVE;
  if (typeof value !== 'object' || value === null || value instanceof ExactNumber) return redactLeaf(value, isSecret);
  if (depth > MAX_DEPTH) return OMITTED;
  const inner = (item: unknown, key: string | number) => redact(item, markOf(sensitive, key), isSecret, depth + 1);
  if (Array.isArray(value)) return value.map(inner);
  const entries = Object.entries(value);
  const copy = Object.fromEntries(entries.map(([key, item]) => [key, inner(item, key)]));
  return entries.length === 1 && MARKERS.includes(entries[0]?.[0] ?? '') ? { $literal: copy } : copy;
}

function redactLeaf(value: unknown, isSecret: (text: string) => boolean): unknown {
  if (value instanceof ExactNumber) return isSecret(value.source) ? SENSITIVE : value.toJSON();
  if (typeof value !== 'string' && typeof value !== 'number') return value ?? null;
  return isSecret(String(value)) ? SENSITIVE : value;
}
