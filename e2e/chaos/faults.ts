import { createDice, type Dice } from './dice.ts';
import { LEASE } from './figures.ts';

/** What is done to the system, and how often beside the others. */
interface FaultSpec {
  /** For people, one line. */
  readonly doc: string;
  /** How often it comes in one bag of faults. */
  readonly weight: number;
  /** The shortest and the longest time that it lasts, in milliseconds: down, stopped, cut. Zero for what is done in a moment. */
  readonly lastsMs: readonly [number, number];
}

/** Longer than a lease, and at the upper end longer than the silence that gives an attempt up. */
const BEYOND_LEASE = [LEASE.leaseMs + 1_000, LEASE.lostAfterMs + 1_000] as const;

/** Every kind of fault that the general run knows. */
export const FAULT_KINDS = {
  'kill-server': { doc: 'kill -9 of the server, up again after a while', weight: 3, lastsMs: [100, 8_000] },
  'kill-agent': { doc: 'kill -9 of an agent, up again after a while', weight: 4, lastsMs: [50, 5_000] },
  'kill-runner': { doc: 'kill -9 of the runner of an attempt', weight: 4, lastsMs: [0, 0] },
  'kill-launcher': { doc: 'kill -9 of the launcher above Terraform', weight: 2, lastsMs: [0, 0] },
  'kill-terraform': { doc: 'kill -9 of Terraform', weight: 2, lastsMs: [0, 0] },
  'kill-host': {
    doc: 'kill -9 of agent, runners, launchers and Terraform of a host together; the agent is up again after a while',
    weight: 2,
    lastsMs: [500, LEASE.lostAfterMs + 2_000],
  },
  'kill-postgres': { doc: "kill -9 of PostgreSQL's first process", weight: 2, lastsMs: [0, 0] },
  'restart-postgres': { doc: 'fast shutdown of PostgreSQL, which the server starts again', weight: 1, lastsMs: [0, 0] },
  'stop-server': { doc: 'SIGSTOP of the server for longer than a lease', weight: 1, lastsMs: BEYOND_LEASE },
  'stop-agent': { doc: 'SIGSTOP of an agent for longer than a lease', weight: 2, lastsMs: BEYOND_LEASE },
  'stop-runner': { doc: 'SIGSTOP of a runner for longer than a lease', weight: 2, lastsMs: BEYOND_LEASE },
  'stop-terraform': { doc: 'SIGSTOP of Terraform for longer than a lease', weight: 1, lastsMs: BEYOND_LEASE },
  cut: { doc: 'all connections of a host to the server reset and refused', weight: 4, lastsMs: [500, 14_000] },
  'half-open': {
    doc: 'connections of a host stay open and carry nothing, then are reset',
    weight: 2,
    lastsMs: [2_000, 12_000],
  },
  stall: {
    doc: 'connections of a host carry nothing, then everything that waited',
    weight: 2,
    lastsMs: [1_000, 10_000],
  },
  delay: {
    doc: 'every piece between a host and the server takes up to a second longer',
    weight: 2,
    lastsMs: [3_000, 10_000],
  },
  'full-disk': { doc: 'not a byte of room on the disk of a host', weight: 2, lastsMs: [2_000, 8_000] },
  'clock-server': {
    doc: "the server's wall clock jumps by up to an hour, and back",
    weight: 1,
    lastsMs: [3_000, 12_000],
  },
  'clock-agent': { doc: "an agent's wall clock jumps by up to an hour, and back", weight: 1, lastsMs: [3_000, 12_000] },
} as const satisfies Record<string, FaultSpec>;

export type FaultKind = keyof typeof FAULT_KINDS;
export const FAULT_NAMES = Object.keys(FAULT_KINDS) as FaultKind[];

/** One fault of a plan. */
export interface Fault {
  /** From 1 on. */
  readonly number: number;
  /** Since the start of the run. */
  readonly atMs: number;
  readonly kind: FaultKind;
  /** Index of the host it is done to; of no meaning for the server and its database. */
  readonly host: number;
  /** In [0, 1): which of several possible victims, or how much. */
  readonly pick: number;
  readonly lastsMs: number;
}

export interface FaultPlanOptions {
  readonly seed: number;
  /** Between two faults, on average. */
  readonly gapMs: number;
  readonly hosts: number;
  /** Those that this machine allows. */
  readonly kinds?: readonly FaultKind[];
}

/**
 * The faults of a run, without end. Kinds come from a bag that holds each as often as its weight and is filled again when it is
 * empty, so that a short run has met every kind. The schedule depends on the options alone; when something happens to be in its
 * way, a fault waits, and the ones behind it keep their time.
 */
export function* planFaults({ seed, gapMs, hosts, kinds = FAULT_NAMES }: FaultPlanOptions): Generator<Fault, never> {
  const dice = createDice(seed);
  let bag: FaultKind[] = [];
  let atMs = 0;
  for (let number = 1; ; number += 1) {
    if (bag.length === 0) bag = fillBag(dice, kinds);
    atMs += Math.round(gapMs * (0.5 + dice.next()));
    const kind = bag.pop() as FaultKind;
    const [shortest, longest] = FAULT_KINDS[kind].lastsMs;
    yield {
      number,
      atMs,
      kind,
      host: dice.between(0, hosts - 1),
      pick: dice.next(),
      lastsMs: dice.between(shortest, longest),
    };
  }
}

const fillBag = (dice: Dice, kinds: readonly FaultKind[]): FaultKind[] =>
  dice.shuffle(kinds.flatMap((kind) => Array.from({ length: FAULT_KINDS[kind].weight }, () => kind)));
