import { backOffMs, type Logger, type Random } from '@groundcrew/kit';
import { stopLeftover } from './leftover.ts';
import { type ServerProcess, StartFailure, type StartOptions, startServerProcess } from './server-process.ts';

/** A PostgreSQL that is started again whenever it ends by itself. */
export interface KeptServer {
  stop(): Promise<void>;
}

const PAUSE = { baseMs: 50, capMs: 5_000 };
/** After this long it counts as healthy again. */
const HEALTHY_MS = 60_000;
/** How long, and how often, to try when only a predecessor is in the way: its processes find out one by one that it is over. */
const PATIENCE_MS = 15_000;
const TRY_EVERY_MS = 50;

/** Resolves when PostgreSQL takes connections; rejects when the first start fails for a reason that will not pass. */
export async function keepRunning(
  options: StartOptions,
  logger: Logger,
  random: Random,
  onRestart: () => void = () => {},
): Promise<KeptServer> {
  const { clock } = options;
  const stopping = new AbortController();
  let server = await startPatiently(options, logger, stopping.signal);
  const watching = watch();

  async function watch(): Promise<void> {
    for (let failures = 0; ; ) {
      const startedAt = clock.now();
      const reason = await server.exited;
      if (stopping.signal.aborted) return;
      failures = clock.now() - startedAt > HEALTHY_MS ? 0 : failures + 1;
      logger.error({ reason }, 'PostgreSQL ended by itself; it is started again.');
      onRestart();
      if (!(await startAgain(failures))) return;
    }
  }

  /** Tries until it runs; false when we are stopped meanwhile. */
  async function startAgain(failuresBefore: number): Promise<boolean> {
    for (let failures = failuresBefore; !stopping.signal.aborted; failures += 1) {
      if (failures > 1) await clock.sleep(backOffMs(failures - 1, PAUSE, random), stopping.signal).catch(() => {});
      const next = await startPatiently(options, logger, stopping.signal).catch(
        (err: unknown) => void logger.error({ err }, 'PostgreSQL did not start again.'),
      );
      if (next === undefined) continue;
      server = next;
      if (!stopping.signal.aborted) return true;
      await next.stop();
    }
    return false;
  }

  return {
    async stop() {
      stopping.abort();
      await server.stop();
      await watching;
    },
  };
}

async function startPatiently(options: StartOptions, logger: Logger, signal: AbortSignal): Promise<ServerProcess> {
  const { clock } = options;
  for (const giveUpAt = clock.now() + PATIENCE_MS; ; ) {
    try {
      return await startOnce(options, logger);
    } catch (error) {
      const mayPass = error instanceof StartFailure && error.retry;
      if (!mayPass || signal.aborted || clock.now() > giveUpAt) throw error;
      logger.debug({ err: error }, 'PostgreSQL is not free to start yet.');
      await clock.sleep(TRY_EVERY_MS);
    }
  }
}

async function startOnce(options: StartOptions, logger: Logger): Promise<ServerProcess> {
  const leftover = await stopLeftover(options.dataFolder, options.clock);
  if (leftover === 'stopped') logger.warn('Stopped a PostgreSQL that an earlier server had left running.');
  return startServerProcess(options);
}
