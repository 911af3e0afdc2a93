import { ApiError } from '@groundcrew/client';
import type { FinishRequest } from '@groundcrew/protocol';
import { settleFate } from './journal/index.ts';
import { isAlive } from './launcher/index.ts';
import type { OpenFolder } from './open-attempt.ts';
import { type AttemptEnd, exitRecord, finished } from './phases/index.ts';

const POLL_MS = 1_000;

/**
 * Brings an attempt to its end whose data the server refuses and the folder has lost. Terraform, should it still run, keeps its
 * state relay until it ends; the state and the record of the end are delivered. The log is not: nobody knows what to mask in it.
 */
export async function endWithoutData(open: OpenFolder, refusal: ApiError): Promise<AttemptEnd> {
  const { deps, takeover } = open;
  const { journal } = deps;
  deps.logger.error({ err: refusal, takeover }, 'the server does not give the data of the attempt');
  if (takeover === 'begin' && refusal.code === 'forbidden') return handBack(open, refusal.message);
  open.learnStatesWith(async () => {});
  while (takeover === 'take_over' && (await isAlive(deps.folder.alive))) await deps.clock.sleep(POLL_MS);
  const fate = await settleFate(journal.dir);
  const { forwarder } = await open.state;
  const delivery = await forwarder.settled();
  const outcome = finished(fate === 'started' ? 'interrupted' : 'never_started', { message: refusal.message });
  const facts = { logs: [], lastState: delivery?.state, mask: (text: string) => text, seconds: 0 };
  const record = journal.find('finish')?.record ?? exitRecord(outcome, facts);
  await tell(open, record);
  return { result: record.result, exitCode: record.exit_code, seconds: 0, message: record.error_message };
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
