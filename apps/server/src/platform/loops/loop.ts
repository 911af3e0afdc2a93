import { backOffMs, type Clock, type Logger, type Random, systemClock, systemRandom } from '@groundcrew/kit';
import type { Leadership } from './leadership.ts';

/** Work that is done again and again: the dispatcher, the lease keeper, a sweeper. */
export interface LoopSpec {
  name: string;
  /** Pause between two runs when nobody wakes it; varied by a tenth, so that replicas do not march in step. */
  intervalMs: number;
  /** Whether one replica alone may run it. */
  exclusive: boolean;
  /** One round. `signal` aborts when the loop is stopped or, for an exclusive one, when the lead is lost. */
  run: (signal: AbortSignal) => Promise<void>;
}

interface LoopDeps {
  leadership: Leadership;
  logger: Logger;
  clock?: Clock;
  random?: Random;
  /** Told of every round that was run, with its length; not of those that another replica has the lead for. */
  onRound?: ((name: string, seconds: number, failed: boolean) => void) | undefined;
}

export interface Loop {
  /** Asks for a round as soon as possible; many calls come to one round, and one during a round to one more after it. */
  wake(): void;
  /** Resolves when no round runs any more; an exclusive loop lets another replica have the lead. */
  stop(): Promise<void>;
}

/** After a failed round: the pauses until the next one, whoever wakes it meanwhile. */
const AFTER_FAILURE = { baseMs: 500, capMs: 30_000 };

/** Starts the loop with a round at once. Rounds never overlap; one that fails is logged and tried again later. */
export function startLoop({ name, intervalMs, exclusive, run }: LoopSpec, deps: LoopDeps): Loop {
  const { leadership, logger, clock = systemClock, random = systemRandom, onRound } = deps;
  const stopping = new AbortController();
  let woken = false;
  let waiting = new AbortController();
  const running = go();

  async function go(): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted; ) {
      woken = false;
      try {
        await round();
        failures = 0;
      } catch (error) {
        failures += 1;
        if (!stopping.signal.aborted)
          logger.error({ err: error, loop: name, failures }, 'A round of a loop failed; it is tried again.');
      }
      if (failures > 0) await clock.sleep(backOffMs(failures, AFTER_FAILURE, random), stopping.signal).catch(() => {});
      else await pause();
    }
  }

  async function round(): Promise<void> {
    if (!exclusive) return measured(stopping.signal);
    const lead = await leadership.tryLead(name);
    if (lead !== undefined && !stopping.signal.aborted) await measured(AbortSignal.any([stopping.signal, lead]));
  }

  async function measured(signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    let failed = true;
    try {
      await run(signal);
      failed = false;
    } finally {
      onRound?.(name, (performance.now() - startedAt) / 1000, failed);
    }
  }

  async function pause(): Promise<void> {
    if (woken) return;
    waiting = new AbortController();
    const signal = AbortSignal.any([stopping.signal, waiting.signal]);
    await clock.sleep(intervalMs * (0.9 + random() / 5), signal).catch(() => {});
  }

  return {
    wake() {
      woken = true;
      waiting.abort();
    },
    async stop() {
      stopping.abort();
      await running;
      if (exclusive) await leadership.resign(name);
    },
  };
}
