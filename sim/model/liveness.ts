import { Numbers } from './numbers.ts';
import type { Way } from './turn.ts';

/** The moves that remain when the far side does not help, kept while exploring. */
export interface Moves {
  add(from: number, to: number, way: Way): void;
  /** A state from which there is no way to an end, and with what far side. */
  findHopeless(ended: Numbers): { state: number; farSide: FarSide } | undefined;
}

type FarSide = 'silent' | 'renewing';

/** What still happens for sure, or can be done by people, when all that comes from far sides is this. */
const REMAINS: Record<FarSide, readonly Way[]> = {
  silent: ['time', 'silence', 'people'],
  renewing: ['time', 'renew', 'people'],
};
const WAYS: readonly Way[] = ['time', 'silence', 'people', 'renew'];

export function createMoves(): Moves {
  const [froms, tos, ways] = [new Numbers(), new Numbers(), new Numbers()];

  /** Marks every state that leads to a marked one, until there is no more. Ends lie deep, so going backwards takes few rounds. */
  function spread(good: Uint8Array, remains: readonly Way[]): void {
    const allowed = new Set(remains.map((way) => WAYS.indexOf(way)));
    for (let changed = true; changed; ) {
      changed = false;
      for (let i = froms.length - 1; i >= 0; i -= 1) {
        const from = froms.at(i);
        if (good[from] === 1 || good[tos.at(i)] !== 1 || !allowed.has(ways.at(i))) continue;
        good[from] = 1;
        changed = true;
      }
    }
  }

  return {
    add(from, to, way) {
      const index = WAYS.indexOf(way);
      if (index < 0 || from === to) return;
      froms.push(from);
      tos.push(to);
      ways.push(index);
    },
    findHopeless(ended) {
      for (const farSide of ['silent', 'renewing'] as const) {
        const good = Uint8Array.from({ length: ended.length }, (_, state) => ended.at(state));
        spread(good, REMAINS[farSide]);
        const state = good.indexOf(0);
        if (state >= 0) return { state, farSide };
      }
      return undefined;
    },
  };
}
