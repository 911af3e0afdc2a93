import { ApiError } from '@groundcrew/client';
import { newSecret } from '@groundcrew/kit';
import { PermitRefusal } from '@groundcrew/protocol';
import { makeDurable } from '../folder/index.ts';
import type { Entry } from '../journal/index.ts';
import type { AttemptContext } from './attempt-context.ts';
import { finished, type Outcome } from './outcome.ts';
import { isStopped } from './situation.ts';

/**
 * Asks for the permit to apply. The nonce stands in the journal before the server hears it, so that whoever goes on with this
 * folder, and nobody else, gets the same answer again. Undefined when the permit is there.
 */
export async function takePermit(context: AttemptContext): Promise<Outcome | undefined> {
  const { journal, server, state, data } = context;
  if (journal.find('permitted') !== undefined) return undefined;
  // With an intent an earlier runner may have been given it, and only the server knows.
  if (isStopped(context) && journal.find('intent') === undefined) return finished('cancelled');
  const planChecksum = journal.find('planned')?.plan_checksum ?? data.plan_file?.checksum;
  if (planChecksum === undefined) throw new Error('there is no plan to ask a permit for');
  const { nonce, plan_checksum } = await writeIntent(context, planChecksum);
  try {
    const { epoch } = await server.askPermit({ nonce, plan_checksum });
    await journal.write('permitted', { epoch, at: now(context) });
    state.verbs.allowApply();
    return undefined;
  } catch (error) {
    return outcomeOfRefusal(error);
  }
}

/** Writes down which permit will be asked for, unless that is done. */
export async function writeIntent(context: AttemptContext, planChecksum: string): Promise<Entry<'intent'>> {
  const { journal, folder } = context;
  const known = journal.find('intent');
  if (known !== undefined) return known;
  // What a successor must know to speak for the attempt, and to mask the log of an apply with. The agent did not wait for the
  // disk with it: until here a machine that dies loses nothing but time.
  await Promise.all([folder.birth, folder.task, folder.secret, folder.data].map(makeDurable));
  const intent = { nonce: newSecret(), plan_checksum: planChecksum, at: now(context) };
  await journal.write('intent', intent);
  return intent;
}

/** The server has ended the attempt with its refusal; what is left is to say that nothing was run. */
function outcomeOfRefusal(error: unknown): Outcome {
  if (!(error instanceof ApiError)) throw error;
  const refusal = PermitRefusal.safeParse(error.details);
  const cancelled = refusal.success && refusal.data.reason === 'cancelled';
  return finished(cancelled ? 'cancelled' : 'never_started', { message: error.message });
}

const now = ({ clock }: AttemptContext): string => new Date(clock.now()).toISOString();
