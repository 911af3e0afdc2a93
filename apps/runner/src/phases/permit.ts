import { ApiError } from '@groundcrew/client';
import { newSecret } from '@groundcrew/kit';
import { PermitRefusal } from '@groundcrew/protocol';
import type { Entry } from '../journal/index.ts';
import type { AttemptContext } from './attempt-context.ts';
import { finished, type Outcome } from './outcome.ts';
import { isStopped } from './plan-phase.ts';

/**
 * Asks for the permit to apply. The nonce stands in the journal before the server hears it, so that whoever goes on with this
 * folder, and nobody else, gets the same answer again. Undefined when the permit is there.
 */
export async function takePermit(context: AttemptContext): Promise<Outcome | undefined> {
  const { journal, server, state } = context;
  if (journal.find('permitted') !== undefined) return undefined;
  // Asked for by an earlier runner it may have been granted, and only the server knows.
  if (isStopped(context) && journal.find('intent') === undefined) return finished('cancelled');
  const { nonce, plan_checksum } = await intentOf(context);
  try {
    const { epoch } = await server.askPermit({ nonce, plan_checksum });
    await journal.write('permitted', { epoch, at: now(context) });
    state.verbs.allowApply();
    return undefined;
  } catch (error) {
    return outcomeOfRefusal(error);
  }
}

async function intentOf(context: AttemptContext): Promise<Entry<'intent'>> {
  const { journal, data } = context;
  const known = journal.find('intent');
  if (known !== undefined) return known;
  const planChecksum = journal.find('planned')?.plan_checksum ?? data.plan_file?.checksum;
  if (planChecksum === undefined) throw new Error('there is no plan to ask a permit for');
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
