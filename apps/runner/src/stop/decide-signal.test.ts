import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ACKNOWLEDGE_MS,
  BEFORE_KILL_MS,
  decideSignal,
  MIN_AGE_MS,
  PLAN_LEVEL_2_MS,
  PLAN_LEVEL_3_MS,
  type StopSituation,
} from './decide-signal.ts';

const quiet: StopSituation = {
  applying: false,
  level: 0,
  fenced: false,
  timedOut: false,
  startedAt: 1_000,
  interrupts: [],
  acknowledged: false,
  killed: false,
  now: 100_000,
};
const sent = (...times: number[]) => times.map((at) => ({ at, inherited: false }));
const interrupt = { do: 'send', signal: 'SIGINT' };
const kill = { do: 'send', signal: 'SIGKILL' };

/** Plays time forward and gives every signal sent, with its time since the start. */
function play(situation: Partial<StopSituation>, until = 200_000): [string, number][] {
  const s: StopSituation = { ...quiet, now: 1_000, ...situation };
  const signals: [string, number][] = [];
  for (let guard = 0; guard < 20 && s.now <= until; guard += 1) {
    const step = decideSignal(s);
    if (step.do === 'rest') break;
    if (step.do === 'wait') s.now = Math.max(step.until, s.now + 1);
    else {
      signals.push([step.signal, s.now - 1_000]);
      if (step.signal === 'SIGKILL') s.killed = true;
      else s.interrupts = [...s.interrupts, { at: s.now, inherited: false }];
    }
  }
  return signals;
}

describe('decideSignal', () => {
  it('does nothing without a reason, or to a program that is not there', () => {
    expect(decideSignal(quiet)).toEqual({ do: 'rest' });
    expect(decideSignal({ ...quiet, level: 3, startedAt: undefined })).toEqual({ do: 'rest' });
    expect(decideSignal({ ...quiet, level: 3, killed: true })).toEqual({ do: 'rest' });
  });

  it.each([
    { level: 1 as const },
    { fenced: true },
    { timedOut: true },
    { level: 1 as const, fenced: true, timedOut: true },
  ])('sends an apply one SIGINT in all for %o', (reason) => {
    expect(play({ applying: true, ...reason })).toEqual([['SIGINT', MIN_AGE_MS]]);
  });

  it('takes a plan that does not stop further by itself', () => {
    const all = [
      ['SIGINT', MIN_AGE_MS],
      ['SIGINT', MIN_AGE_MS + PLAN_LEVEL_2_MS],
      ['SIGKILL', MIN_AGE_MS + PLAN_LEVEL_2_MS + PLAN_LEVEL_3_MS],
    ];
    expect(play({ level: 1 })).toEqual(all);
    expect(play({ timedOut: true })).toEqual(all);
  });

  it('kills a plan that was fenced, a second after its SIGINT', () => {
    expect(play({ fenced: true })).toEqual([
      ['SIGINT', MIN_AGE_MS],
      ['SIGKILL', MIN_AGE_MS + BEFORE_KILL_MS],
    ]);
  });

  it('takes an apply further at a person’s word only', () => {
    expect(play({ applying: true, level: 2 })).toEqual([
      ['SIGINT', MIN_AGE_MS],
      ['SIGINT', MIN_AGE_MS],
    ]);
    expect(play({ applying: true, level: 3 })).toEqual([
      ['SIGINT', MIN_AGE_MS],
      ['SIGKILL', MIN_AGE_MS + BEFORE_KILL_MS],
    ]);
    expect(decideSignal({ ...quiet, applying: true, level: 2, interrupts: sent(90_000) })).toEqual(interrupt);
    expect(decideSignal({ ...quiet, applying: true, level: 3, interrupts: sent(90_000) })).toEqual(kill);
  });

  it('sends an inherited SIGINT again only when it shows no effect', () => {
    const inherited = { ...quiet, applying: true, level: 1 as const, interrupts: [{ at: 95_000, inherited: true }] };
    expect(decideSignal(inherited)).toEqual({ do: 'wait', until: 95_000 + ACKNOWLEDGE_MS });
    expect(decideSignal({ ...inherited, now: 95_000 + ACKNOWLEDGE_MS })).toEqual(interrupt);
    expect(decideSignal({ ...inherited, now: 200_000, acknowledged: true })).toEqual({ do: 'rest' });
  });

  it('never kills without a SIGINT a second before, and never interrupts an apply twice without force', () => {
    const situation = fc.record({
      applying: fc.boolean(),
      level: fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const),
      fenced: fc.boolean(),
      timedOut: fc.boolean(),
      acknowledged: fc.boolean(),
    });
    fc.assert(
      fc.property(situation, (s) => {
        const signals = play(s);
        const interrupts = signals.filter(([signal]) => signal === 'SIGINT');
        const kills = signals.filter(([signal]) => signal === 'SIGKILL');
        if (s.applying && s.level < 2) expect(interrupts.length + kills.length).toBeLessThanOrEqual(1);
        if (s.applying && s.level < 3) expect(kills).toEqual([]);
        for (const [, at] of kills)
          expect(at - (interrupts[0]?.[1] ?? Number.POSITIVE_INFINITY)).toBeGreaterThanOrEqual(BEFORE_KILL_MS);
        expect(kills.length).toBeLessThanOrEqual(1);
      }),
    );
  });
});
