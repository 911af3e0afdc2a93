import type { Bugs } from './bugs.ts';
import type { Dice } from './kernel/dice.ts';
import type { EventLoop } from './kernel/event-loop.ts';
import type { Trace } from './kernel/trace.ts';
import type { Network } from './network/network.ts';
import type { Ledger } from './terraform/ledger.ts';

/** What every part of a simulated world shares. */
export interface World {
  readonly loop: EventLoop;
  readonly dice: Dice;
  /** Simulated time of its first moment. */
  readonly startedAt: number;
  readonly trace: Trace;
  readonly network: Network;
  readonly ledger: Ledger;
  /** Mistakes planted on purpose, to show that they are found. */
  readonly bugs: Bugs;
  /** Something that must never be; the first one ends the run. */
  violate(sentence: string): void;
}
