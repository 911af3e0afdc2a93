import { isTerminal } from '@groundcrew/protocol';
import { INVARIANTS } from '@groundcrew/server/lifecycle/invariants';
import { ACTORS } from './actors/index.ts';
import type { Bounds } from './bounds.ts';
import { createEncoder } from './encode.ts';
import { createFingerprints } from './fingerprints.ts';
import { forget } from './forget.ts';
import { LEDGER } from './ledger.ts';
import { createMoves, type Moves } from './liveness.ts';
import { Numbers } from './numbers.ts';
import { figuresOf, initialSystem, type System } from './system.ts';
import { type Origins, traceTo } from './trace.ts';
import { Turn } from './turn.ts';

export interface ExploreOptions {
  /** Told now and then. */
  readonly onProgress?: (progress: Progress) => void;
  /** Gives up with a violation of nothing once there are so many states; without it everything is explored. */
  readonly maxStates?: number;
}

export interface Progress {
  readonly states: number;
  readonly depth: number;
  /** States of the next depth that are known by now. */
  readonly frontier: number;
  readonly statesPerSecond: number;
}

interface Violation {
  /** The property, and what breaks it. */
  readonly what: string;
  /** The shortest way there, one line a move. */
  readonly trace: readonly string[];
}

export interface Exploration {
  readonly states: number;
  /** Moves from one state to another or the same, each of which some event or far side makes. */
  readonly transitions: number;
  /** Events the step function was given, refused ones included. */
  readonly events: number;
  readonly depth: number;
  /** States in which every task has ended. */
  readonly ends: number;
  /** False when `maxStates` was reached. */
  readonly complete: boolean;
  readonly violation: Violation | undefined;
}

const EVERY = 20_000;

/** Visits every state within the bounds, breadth first, so that the first violation is found on a shortest way. */
export function explore(bounds: Bounds, options: ExploreOptions = {}): Exploration {
  const { onProgress, maxStates = Number.POSITIVE_INFINITY } = options;
  const figures = figuresOf(bounds);
  const encode = createEncoder();
  const seen = createFingerprints();
  const origins: Origins = { parents: new Numbers(), moves: new Numbers() };
  const ended = new Numbers();
  const moves = createMoves();
  let [transitions, events, depth, ends] = [0, 0, 0, 0];
  let found: Found | undefined;
  let next: System[] = [];

  function enter(system: System, parent: number, move: number): number {
    const known = seen.add(encode(system));
    if (known >= 0) return known;
    origins.parents.push(parent);
    origins.moves.push(move);
    const over = hasEnded(system);
    if (over) ends += 1;
    ended.push(over ? 1 : 0);
    next.push(system);
    const what = findBroken(system);
    if (what !== undefined) found ??= { what, state: seen.size - 1 };
    return seen.size - 1;
  }

  function expand(system: System, number: number): void {
    let move = 0;
    const turn = new Turn(system, bounds, figures, (way, what, whom, made, broken) => {
      transitions += 1;
      if (broken !== undefined) found ??= { what: broken, state: number, last: `${what} (${whom})` };
      moves.add(number, enter(forget(made, bounds.ghosts), number, move++), way);
    });
    for (const actor of ACTORS) actor(turn);
    events += turn.events;
  }

  const startedAt = performance.now();
  const elapsed = (): number => (performance.now() - startedAt) / 1000;
  enter(initialSystem(bounds), 0, 0);
  let number = 0;
  for (; next.length > 0 && !found && seen.size < maxStates; depth += 1) {
    const frontier = next;
    next = [];
    for (const system of frontier) {
      if (found || seen.size >= maxStates) break;
      expand(system, number++);
      if (number % EVERY === 0)
        onProgress?.({
          states: seen.size,
          depth,
          frontier: next.length,
          statesPerSecond: Math.round(seen.size / elapsed()),
        });
    }
  }
  const complete = !found && next.length === 0;
  if (complete) found = findDeadEnd(moves, ended);
  const violation = found && describe(bounds, found, origins);
  return { states: seen.size, transitions, events, depth: depth - 1, ends, complete, violation };
}

/** What is wrong, in which state, and after which further move if it is not the state itself. */
interface Found {
  readonly what: string;
  readonly state: number;
  readonly last?: string;
}

function findDeadEnd(moves: Moves, ended: Numbers): Found | undefined {
  const hopeless = moves.findHopeless(ended);
  return (
    hopeless && {
      what: `a way to an end from everywhere: none when the far side is ${hopeless.farSide} for ever`,
      state: hopeless.state,
    }
  );
}

const describe = (bounds: Bounds, { what, state, last }: Found, origins: Origins): Violation => ({
  what,
  trace: [...traceTo(bounds, state, origins), ...(last === undefined ? [] : [last])],
});

const hasEnded = ({ world: { tasks } }: System): boolean => tasks.every(({ status }) => isTerminal(status));

function findBroken(system: System): string | undefined {
  for (const { name, broken } of INVARIANTS) {
    const found = broken(system.world);
    if (found !== undefined) return `${name}: ${found}`;
  }
  for (const { name, broken } of LEDGER) {
    const found = broken(system);
    if (found !== undefined) return `${name}: ${found}`;
  }
  return undefined;
}
