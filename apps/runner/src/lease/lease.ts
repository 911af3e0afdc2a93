import { ApiError } from '@groundcrew/client';
import { backOffMs, type Clock, createOutageLog, type Logger, type Random } from '@groundcrew/kit';
import type { RenewAnswer, RenewRequest } from '@groundcrew/protocol';
import type { Wishes } from './wishes.ts';

/** Keeps the attempt's lease, and learns with every answer what the server wants. */
export interface Lease {
  /** Something worth telling has changed: renews soon instead of at the next turn. */
  nudge(): void;
  /** Ends the renewing; a renewal under way is given up. */
  stop(): Promise<void>;
}

export interface LeaseDeps {
  renew: (request: RenewRequest, signal: AbortSignal) => Promise<RenewAnswer>;
  /** What is told with a renewal. */
  describe: () => RenewRequest;
  wishes: Wishes;
  /** The server answered: a good moment for everybody else who waits for it. */
  onHeard?: () => void;
  clock: Clock;
  random: Random;
  logger: Logger;
}

/** Between renewals unless the server says otherwise: a quarter of the lease. */
const RENEW_MS = 15_000;
/** Several changes in quick succession are told together. */
const SETTLE_MS = 100;
const BACK_OFF = { baseMs: 500, capMs: 5_000 };

/**
 * Renews soon and then for ever. Silence changes nothing: plan and apply go on through any outage, and only an answer can
 * stop them. So nothing here ever fails.
 */
export function startLease({ renew, describe, wishes, onHeard, clock, random, logger }: LeaseDeps): Lease {
  const stopped = new AbortController();
  let turn = new AbortController();
  let failures = 0;
  const outage = createOutageLog({
    clock,
    logger,
    trouble: 'the lease could not be renewed; the work goes on',
    recovery: 'the lease is renewed again',
  });

  async function renewOnce(): Promise<number> {
    try {
      const answer = await renew(describe(), stopped.signal);
      failures = 0;
      outage.worked();
      heed(answer, wishes);
      onHeard?.();
      return answer.renew_after_seconds > 0 ? answer.renew_after_seconds * 1000 : RENEW_MS;
    } catch (error) {
      if (stopped.signal.aborted) return 0;
      // An ended attempt is told by a refusal. Only our server says `fenced`; what else refuses may be a proxy on the way.
      if (error instanceof ApiError && error.code === 'fenced') {
        wishes.fence();
        return RENEW_MS;
      }
      failures += 1;
      outage.failed(error);
      return backOffMs(failures, BACK_OFF, random);
    }
  }

  async function run(): Promise<void> {
    // The server has just heard the accept; what is to be told comes in the next moments.
    await rest(clock, SETTLE_MS, stopped.signal);
    while (!stopped.signal.aborted) {
      turn = new AbortController();
      const pauseMs = await renewOnce();
      const rested = await rest(clock, pauseMs, AbortSignal.any([turn.signal, stopped.signal]));
      if (!rested) await rest(clock, SETTLE_MS, stopped.signal);
    }
  }

  const running = run();
  return {
    nudge: () => turn.abort(),
    async stop() {
      stopped.abort();
      await running;
    },
  };
}

/** False when the rest was cut short. */
const rest = (clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> =>
  clock.sleep(ms, signal).then(
    () => true,
    () => false,
  );

function heed(answer: RenewAnswer, wishes: Wishes): void {
  wishes.raise(answer.cancel_level);
  wishes.watch(answer.watched, answer.log_interval_ms);
  if (answer.verdict === 'fenced') wishes.fence();
}
