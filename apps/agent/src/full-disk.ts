import { type Clock, createOutageLog, type Logger } from '@groundcrew/kit';
import { sleepQuietly } from './wait.ts';

export interface FullDiskDeps {
  clock: Clock;
  logger: Logger;
  signal: AbortSignal;
}

const LOOK_AGAIN_MS = 1_000;

/**
 * Does what writes to the work folder, and does it again for as long as the disk is full: an agent that ended over it would
 * only be started into the same disk, and runners with an attempt go on meanwhile and need it back. `work` may run any number of
 * times. Any other error is thrown.
 */
export async function waitForDisk<T>(work: () => Promise<T>, { clock, logger, signal }: FullDiskDeps): Promise<T> {
  const outage = createOutageLog({
    clock,
    logger,
    trouble: 'the disk of the work folder is full; the agent starts as soon as there is room',
    recovery: 'the disk of the work folder has room again',
  });
  for (;;) {
    try {
      const result = await work();
      outage.worked();
      return result;
    } catch (error) {
      if (signal.aborted || !isDiskFull(error)) throw error;
      outage.failed(error);
      await sleepQuietly(clock, LOOK_AGAIN_MS, signal);
    }
  }
}

const isDiskFull = (error: unknown): boolean => {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
};
