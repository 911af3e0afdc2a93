import { ACTORS } from './actors/index.ts';
import type { Bounds } from './bounds.ts';
import { forget } from './forget.ts';
import type { Numbers } from './numbers.ts';
import { figuresOf, initialSystem, type System } from './system.ts';
import { Turn } from './turn.ts';

/** How each state was first reached: from which one, by which of its moves. */
export interface Origins {
  readonly parents: Numbers;
  readonly moves: Numbers;
}

/** The moves that lead to a state, first one first, as lines to read. */
export function traceTo(bounds: Bounds, state: number, { parents, moves }: Origins): string[] {
  const path: number[] = [];
  for (let at = state; at !== 0; at = parents.at(at)) path.unshift(moves.at(at));
  return replay(bounds, path);
}

function replay(bounds: Bounds, path: readonly number[]): string[] {
  let system = initialSystem(bounds);
  return path.map((wanted) => {
    const { line, next } = takeMove(system, bounds, wanted);
    system = next;
    return line;
  });
}

function takeMove(system: System, bounds: Bounds, wanted: number): { line: string; next: System } {
  let move = 0;
  let taken: { line: string; next: System } | undefined;
  const turn = new Turn(system, bounds, figuresOf(bounds), (_way, what, whom, next) => {
    if (move++ === wanted) taken = { line: `${what} (${whom})`, next: forget(next, bounds.ghosts) };
  });
  for (const actor of ACTORS) actor(turn);
  if (taken === undefined) throw new Error(`There is no move ${wanted}; the model is not deterministic.`);
  return taken;
}
