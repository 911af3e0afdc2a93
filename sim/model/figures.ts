import { INVARIANTS } from '@groundcrew/server/lifecycle/invariants';
import { MOVE_INVARIANTS } from '@groundcrew/server/lifecycle/move-invariants';
import type { Bounds } from './bounds.ts';
import type { Exploration } from './explore.ts';
import { LEDGER } from './ledger.ts';
import type { Mutant } from './mutants/mutant.ts';

/** One exploration, finished. */
export interface Explored {
  readonly bounds: Bounds;
  readonly exploration: Exploration;
  readonly seconds: number;
}

/** A guard that was taken out, and what came of it; `killedBy` undefined: nothing did. */
export interface Tried {
  readonly mutant: Mutant;
  readonly killedBy: Explored | undefined;
  readonly seconds: number;
}

/** Properties that have no list of their own: they are looked at by whoever makes the move. */
const OF_THE_EXPLORER = [
  'no event is answered by an exception',
  'no apply of anything but what was approved, and none after a cancel',
  'what only a person may ask for is taken from nobody else, nor unconfirmed, unforced or of another plan',
  'a way to an end from everywhere when the far side is silent for ever',
  'a way to an end from everywhere when the far side renews for ever',
];

/** Every property that is checked. */
export const PROPERTIES: readonly string[] = [
  ...[...INVARIANTS, ...MOVE_INVARIANTS, ...LEDGER].map(({ name }) => name),
  ...OF_THE_EXPLORER,
];

export interface Summary {
  readonly scenarios: number;
  readonly states: number;
  readonly transitions: number;
  readonly events: number;
  readonly depth: number;
  readonly properties: number;
  readonly violations: number;
  /** Scenarios that were cut off before their last state. */
  readonly incomplete: number;
  /** Guards that were taken out, and those of them whose absence was noticed. */
  readonly guards: number;
  readonly noticed: number;
  readonly seconds: number;
}

export function summarise(explored: readonly Explored[], tried: readonly Tried[], seconds: number): Summary {
  const sum = (of: (exploration: Exploration) => number): number =>
    explored.reduce((total, { exploration }) => total + of(exploration), 0);
  return {
    scenarios: explored.length,
    states: sum(({ states }) => states),
    transitions: sum(({ transitions }) => transitions),
    events: sum(({ events }) => events),
    depth: Math.max(0, ...explored.map(({ exploration }) => exploration.depth)),
    properties: PROPERTIES.length,
    violations: sum(({ violation }) => (violation ? 1 : 0)),
    incomplete: sum(({ complete, violation }) => (complete || violation ? 0 : 1)),
    guards: tried.length,
    noticed: tried.filter(({ killedBy }) => killedBy !== undefined).length,
    seconds: Math.round(seconds),
  };
}

/** True when nothing is wrong and everything was looked at. */
export const isWell = ({ violations, incomplete, guards, noticed }: Summary): boolean =>
  violations === 0 && incomplete === 0 && noticed === guards;
