import { ExactNumber } from './json/exact-json.ts';
import { markOf } from './json/mirror.ts';

/** A text that must not be shown, and where it came from, for sentences about it. */
export interface SensitiveValue {
  value: string;
  /** Such as `variable "password"` or `aws_db_instance.main`. */
  origin: string;
}

/** Gathers sensitive texts, each once. */
export interface SensitiveCollector {
  /** Takes what the map marks; `true` takes the whole value. Names of attributes and map keys are not taken. */
  add(value: unknown, marked: unknown, origin: string): void;
  list(): SensitiveValue[];
}

// A shorter number cannot be masked without hitting innocent text, and nobody keeps a secret in it.
const MIN_NUMBER_LENGTH = 6;

export function createSensitiveCollector(): SensitiveCollector {
  const found = new Map<string, SensitiveValue>();
  const keep = (value: string, origin: string) => {
    if (value !== '' && !found.has(value)) found.set(value, { value, origin });
  };
  const add = (value: unknown, marked: unknown, origin: string): void => {
    if (marked === undefined || marked === false || value === null) return;
    if (typeof value === 'object' && !(value instanceof ExactNumber)) {
      for (const [key, item] of Object.entries(value)) add(item, marked === true ? true : markOf(marked, key), origin);
    } else if (marked === true) keepLeaf(value, origin, keep);
  };
  return { add, list: () => [...found.values()] };
}

function keepLeaf(value: unknown, origin: string, keep: (value: string, origin: string) => void): void {
  const digits = value instanceof ExactNumber ? value.source : typeof value === 'number' ? String(value) : '';
  if (typeof value === 'string') keep(value, origin);
  else if (digits.length >= MIN_NUMBER_LENGTH) keep(digits, origin);
}
