import { ApiError } from '@groundcrew/client';
import type { FinishRequest } from '@groundcrew/protocol';
import { settleFate } from './journal/index.ts';
import { isAlive } from './launcher/index.ts';
import type { OpenFolder } from './open-attempt.ts';
import { closeState, openState } from './open-state.ts';
import { type AttemptEnd, exitRecord, finished } from './phases/index.ts';

const POLL_MS = 1_000;

/**
 * Brings an attempt to its end whose data the server refuses and the folder has lost. Terraform, should it still run, keeps its
 * state relay until it ends; the state and the record of the end are delivered. The log is not: nobody knows what to mask in it.
 */
export async function endWithoutData(open: OpenFolder, refusal: ApiError): Promise<AttemptEnd> {
  const { deps, journal, takeover } = open;
  deps.logger.error({ err: refusal, takeover }, 'the server does not give the data of the attempt');
  if (takeover === 'begin' && refusal.code === 'forbidden') return handBack(open, refusal.message);
  const fate = await waitForEnd(open);
  const state = await openState({ ...deps, ...open, learnState: async () => {} });
  const delivery = await state.forwarder.settled();
  await closeState(state);
  const outcome = finished(fate === 'started' ? 'interrupted' : 'never_started', { message: refusal.message });
  const facts = { logs: [], lastState: delivery?.state, mask: (text: string) => text, seconds: 0 };
  const record = journal.find('finish')?.record ?? exitRecord(outcome, facts);
  await tell(open, record);
  return { result: record.result, exitCode: record.exit_code, seconds: 0, message: record.error_message };
}

/** Waits until nothing of Terraform runs; gives whether an apply was ever started. */
async function waitForEnd(open: OpenFolder): Promise<'started' | 'never'> {
  const { deps, journal, takeover } = open;
  if (takeover === 'take_over') {
    const state = await openState({ ...deps, ...open, learnState: async () => {} });
    while (await isAlive(deps.folder.alive)) await deps.clock.sleep(POLL_MS);
    await closeState(state);
  }
  return settleFate(journal.dir);
}

/** An attempt that the server does not know any more has nobody to tell. */
async function tell({ server, deps }: OpenFolder, record: FinishRequest): Promise<void> {
  try {
    await server.finish(record);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    deps.logger.error({ err: error }, 'the server does not take the exit record');
  }
}

async function handBack({ server }: OpenFolder, reason: string): Promise<AttemptEnd> {
  await server.giveBack(reason);
  return { result: 'returned', exitCode: null, seconds: 0, message: reason };
}
