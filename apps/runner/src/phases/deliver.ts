import { ApiError } from '@groundcrew/client';
import { backOffMs } from '@groundcrew/kit';
import type { FinishRequest } from '@groundcrew/protocol';
import type { PhaseLog } from '../log/index.ts';
import type { AttemptContext } from './attempt-context.ts';

/** What is delivered without an apply behind it is given up after this. */
const GIVE_UP_AFTER_MS = 7 * 24 * 3600 * 1000;
/** The end of the log may follow the exit record: nobody has to wait for the last line to hear how it ended. */
const LOG_FIRST_MS = 2_000;
const BACK_OFF = { baseMs: 500, capMs: 5_000 };

/**
 * Brings the exit record and everything it names to the server, for as long as it takes: the states without limit, for they may
 * be the only record of real things. Resolves when the folder is not needed any more.
 */
export async function deliver(
  context: AttemptContext,
  record: FinishRequest,
  logs: readonly PhaseLog[],
): Promise<void> {
  const { state, clock, random, journal, logger } = context;
  const sent = Promise.all(
    logs.map((log) =>
      log.delivered().catch((error: unknown) => logger.error({ err: error }, 'the log is not whole on the server')),
    ),
  );
  await state.forwarder.settled();
  await Promise.race([sent, clock.sleep(LOG_FIRST_MS)]);
  const deadline = Date.parse(journal.find('finish')?.at ?? '') + GIVE_UP_AFTER_MS;
  for (let tries = 1; !(await isConfirmed(context, record)); tries += 1) {
    if (clock.now() > deadline)
      return logger.error('the server did not confirm the attempt within its time; giving up');
    await Promise.race([sent, clock.sleep(LOG_FIRST_MS)]);
    await clock.sleep(backOffMs(tries, BACK_OFF, random));
  }
  await journal.write('confirmed', { at: new Date(clock.now()).toISOString() });
}

async function isConfirmed(context: AttemptContext, record: FinishRequest): Promise<boolean> {
  try {
    const { confirmed, missing } = await context.server.finish(record);
    if (!confirmed) context.logger.info({ missing }, 'the server does not have everything yet');
    return confirmed;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return afterRefusal(context, record, error);
  }
}

/** True when there is nothing more to say. */
async function afterRefusal(context: AttemptContext, record: FinishRequest, error: ApiError): Promise<boolean> {
  const { journal, logger } = context;
  // The server answered LOCK, and we died before that was written down: then something may have been applied.
  if (record.result === 'never_started' && error.code === 'conflict') {
    record.result = 'interrupted';
    await journal.write('finish', { record, at: journal.find('finish')?.at ?? '' });
    return false;
  }
  logger.error({ err: error }, 'the server refuses the exit record for good');
  return true;
}
