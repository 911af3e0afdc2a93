import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';

/** Tells of an outage once when it begins, then ever more rarely while it lasts, and once when it is over. */
export interface OutageLog {
  /** A try has failed. */
  failed(error: unknown): void;
  /** A try has worked. */
  worked(): void;
}

export interface OutageLogOptions {
  clock: Clock;
  logger: Logger;
  /** Said with each failure that is told, such as `the lease could not be renewed; the work goes on`. */
  trouble: string;
  /** Said when it is over, such as `the lease is renewed again`. */
  recovery: string;
}

/** Between the first two lines of one outage; doubles up to the longest. */
const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 3_600_000;

export function createOutageLog({ clock, logger, trouble, recovery }: OutageLogOptions): OutageLog {
  let failures = 0;
  let since = 0;
  let sayAgainAt = 0;
  let pauseMs = FIRST_PAUSE_MS;
  return {
    failed(error) {
      const now = clock.now();
      failures += 1;
      if (failures === 1) [since, pauseMs] = [now, FIRST_PAUSE_MS];
      else if (now < sayAgainAt) return;
      logger.warn({ err: error, failures, ...(failures > 1 && { for_ms: now - since }) }, trouble);
      sayAgainAt = now + pauseMs;
      if (failures > 1) pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    },
    worked() {
      if (failures > 0) logger.info({ failures, for_ms: clock.now() - since }, recovery);
      failures = 0;
    },
  };
}
