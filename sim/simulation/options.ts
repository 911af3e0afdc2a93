import { parseArgs } from 'node:util';
import { BUGS, type BugName } from './bugs.ts';
import { FAULT_KINDS, type FaultKind } from './faults/schedule.ts';

/** What `npm run sim` was asked for. */
export interface Options {
  /** How many seeds. Default 100. */
  readonly seeds: number;
  /** The first of them. Default 1. */
  readonly seed: number;
  /** Print everything that happens. */
  readonly trace: boolean;
  /** Print figures and violations as one JSON document. */
  readonly json: boolean;
  /** Faults of these kinds only, given with commas between them. */
  readonly kinds: readonly FaultKind[] | undefined;
  /** A mistake to plant, by its name in `Bugs`: shows that the simulation finds it. */
  readonly bug: BugName | undefined;
  /** Plant every mistake, one after the other, and tell the first of the seeds that finds it. */
  readonly hunt: boolean;
}

/** @throws TypeError with a sentence for anything else than the known options */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      trace: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      kinds: { type: 'string' },
      bug: { type: 'string' },
      hunt: { type: 'boolean', default: false },
    },
  });
  const { seeds, seed, trace, json, kinds, bug, hunt } = values;
  return {
    seeds: parseCount('seeds', seeds),
    seed: parseCount('seed', seed),
    trace,
    json,
    kinds: kinds?.split(',').map(parseKind),
    bug: bug === undefined ? undefined : parseBug(bug),
    hunt,
  };
}

function parseKind(text: string): FaultKind {
  const kind = FAULT_KINDS.find((known) => known === text);
  if (kind !== undefined) return kind;
  throw new TypeError(`--kinds knows no fault ${JSON.stringify(text)}; there are ${FAULT_KINDS.join(', ')}.`);
}

function parseBug(text: string): BugName {
  if (Object.hasOwn(BUGS, text)) return text as BugName;
  throw new TypeError(`--bug knows no mistake ${JSON.stringify(text)}; there are ${Object.keys(BUGS).join(', ')}.`);
}

function parseCount(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new TypeError(`--${name} takes a whole number from 1 on, not ${JSON.stringify(text)}.`);
}
