import { backOffMs, type Clock, createOutageLog, type Logger, type Random } from '@groundcrew/kit';
import type { SpooledState, StateSpool } from './state-spool.ts';
import { type PostOutcome, type StateUpstream, UpstreamRefusal } from './upstream.ts';

/** Brings the newest spooled state to the server, for as long as it takes. */
export interface StateForwarder {
  /** There is a newer state than before. */
  wake(): void;
  /** The server was just heard of: a pause after a failure ends. */
  nudge(): void;
  /** Resolves when the server has the newest state, or has refused it for good. */
  settled(): Promise<Delivery | undefined>;
  /** Stops trying; what is on disk stays there. */
  close(): void;
}

interface Delivery {
  state: SpooledState;
  /** `refused`: the server will never take it; it stays in the folder. */
  outcome: PostOutcome | 'refused';
}

export interface ForwarderDeps {
  spool: StateSpool;
  upstream: Pick<StateUpstream, 'post'>;
  clock: Clock;
  random: Random;
  logger: Logger;
}

const BACK_OFF = { baseMs: 200, capMs: 5_000 };

/** Begins at once with what an earlier runner left; the server takes the same state twice as one. */
export function createStateForwarder({ spool, upstream, clock, random, logger }: ForwarderDeps): StateForwarder {
  const closing = new AbortController();
  let pausing = new AbortController();
  let delivery: Delivery | undefined;
  let running: Promise<void> | undefined;
  let failures = 0;
  const outage = createOutageLog({
    clock,
    logger,
    trouble: 'the server does not take the state now; it is kept and sent again',
    recovery: 'the server takes states again',
  });

  const waiting = (): SpooledState | undefined => {
    const newest = spool.newest();
    return newest !== undefined && newest.sequence > (delivery?.state.sequence ?? 0) ? newest : undefined;
  };

  async function deliver(): Promise<void> {
    for (let state = waiting(); state !== undefined && !closing.signal.aborted; state = waiting()) {
      try {
        delivery = { state, outcome: await upstream.post(state) };
        failures = 0;
        outage.worked();
        await spool.drop(state.sequence);
      } catch (error) {
        if (error instanceof UpstreamRefusal) giveUp(state, error);
        else await pause(error);
      }
    }
  }

  function giveUp(state: SpooledState, error: UpstreamRefusal): void {
    logger.error(
      { err: error, serial: state.name?.serial },
      'the server refuses the state for good; it stays in the folder',
    );
    delivery = { state, outcome: 'refused' };
  }

  async function pause(error: unknown): Promise<void> {
    failures += 1;
    outage.failed(error);
    pausing = new AbortController();
    const over = AbortSignal.any([pausing.signal, closing.signal]);
    await clock.sleep(backOffMs(failures, BACK_OFF, random), over).catch(() => {});
  }

  function wake(): void {
    if (running !== undefined || waiting() === undefined || closing.signal.aborted) return;
    running = deliver().finally(() => {
      running = undefined;
      wake();
    });
  }

  async function settled(): Promise<Delivery | undefined> {
    wake();
    while (running !== undefined) await running;
    return delivery;
  }

  wake();
  return { wake, nudge: () => pausing.abort(), settled, close: () => closing.abort() };
}
