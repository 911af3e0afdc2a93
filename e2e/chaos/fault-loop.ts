import { setTimeout as sleep } from 'node:timers/promises';
import type { Bed } from './bed.ts';
import { type Fault, type FaultKind, planFaults } from './faults.ts';
import { type Injected, inject, listPossible, targetOf } from './inject.ts';
import type { Violation } from './violation.ts';

/** What became of the plan of faults. */
export interface FaultTally {
  readonly injected: Map<FaultKind, number>;
  /** Faults that found nobody to be done to. */
  readonly missed: Map<FaultKind, number>;
  readonly violations: Violation[];
}

export interface FaultLoopOptions {
  readonly bed: Bed;
  readonly seed: number;
  readonly minutes: number;
  /** Faults to be done; they are spread over the minutes. */
  readonly faults: number;
  readonly say: (line: string) => void;
  readonly onInjected: (fault: Fault, injected: Injected) => void;
}

/** How long a fault waits for somebody to be done to. */
const PATIENCE_MS = 12_000;
const LOOK_MS = 200;
/** So much longer than asked for the faults may take, before what is missing is given up. */
const OVERTIME = 1.5;

/** Does the faults of a plan, each at its time, until there were enough; resolves when all that were begun are undone. */
export async function runFaults(options: FaultLoopOptions): Promise<FaultTally> {
  const { bed, seed, minutes, faults } = options;
  const tally: FaultTally = { injected: new Map(), missed: new Map(), violations: [] };
  const startedAt = performance.now();
  const queues = new Map<string, Promise<void>>();
  const plan = planFaults({
    seed,
    gapMs: (minutes * 60_000) / faults,
    hosts: bed.hosts.length,
    kinds: listPossible(bed),
  });
  const begun = (): number => [...tally.injected.values()].reduce((sum, count) => sum + count, 0);

  for (const fault of plan) {
    await sleep(Math.max(0, startedAt + fault.atMs - performance.now()));
    if (begun() >= faults || performance.now() - startedAt > minutes * 60_000 * OVERTIME) break;
    const target = targetOf(fault);
    const before = queues.get(target) ?? Promise.resolve();
    queues.set(
      target,
      before.then(() => doFault(options, fault, tally)),
    );
  }
  await Promise.all(queues.values());
  if (begun() < faults)
    tally.violations.push({
      kind: 'broke_down',
      sentence: `Only ${begun()} of ${faults} faults could be done in the time.`,
    });
  tally.violations.push(...findIdleKinds(tally));
  return tally;
}

/** So often a fault may find nobody to be done to. */
const MISSES = 3;

/** A kind that never meets anybody proves nothing, and most likely does not recognise whom it is meant for any more. @internal */
export const findIdleKinds = ({ injected, missed }: Pick<FaultTally, 'injected' | 'missed'>): Violation[] =>
  [...missed].flatMap(([kind, times]) =>
    times < MISSES || injected.has(kind)
      ? []
      : [{ kind: 'broke_down' as const, sentence: `None of ${times} faults of the kind ${kind} met anybody.` }],
  );

async function doFault({ bed, say, onInjected }: FaultLoopOptions, fault: Fault, tally: FaultTally): Promise<void> {
  const onHit = (injected: Injected): void => {
    add(tally.injected, fault.kind);
    say(`${seconds(fault.atMs)} fault ${fault.number}: ${fault.kind}, ${injected.victim}${lasts(fault)}`);
    onInjected(fault, injected);
  };
  try {
    const giveUpAt = performance.now() + PATIENCE_MS;
    while (!(await inject(bed, fault, onHit))) {
      if (performance.now() > giveUpAt) return add(tally.missed, fault.kind);
      await sleep(LOOK_MS);
    }
  } catch (error) {
    tally.violations.push({
      kind: 'broke_down',
      sentence: `After fault ${fault.number} (${fault.kind}): ${(error as Error).message}`,
    });
  }
}

const add = (counts: Map<FaultKind, number>, kind: FaultKind): void =>
  void counts.set(kind, (counts.get(kind) ?? 0) + 1);
const seconds = (ms: number): string => `${(ms / 1000).toFixed(0).padStart(5)} s`;
const lasts = ({ lastsMs }: Fault): string => (lastsMs === 0 ? '' : ` (${(lastsMs / 1000).toFixed(1)} s)`);
