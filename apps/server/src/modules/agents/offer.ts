import type { OfferedAttempt, PullAnswer, RunTask } from '@groundcrew/protocol';
import { sql } from 'kysely';
import type { Executor } from '../../platform/database/index.ts';
import type { AgentCaller } from '../../platform/http/index.ts';
import type { OfferRow } from './store.ts';

const toOffered = (offer: OfferRow): OfferedAttempt => ({
  id: offer.attempt_id,
  epoch: offer.epoch,
  offer_expires_at: offer.offer_expires_at.toISOString(),
});

/** An offer as it goes over a command socket. */
export const toOrder = (offer: OfferRow): RunTask => ({
  task_id: offer.task_id,
  workspace_id: offer.workspace_id,
  action: offer.action,
  attempt: toOffered(offer),
  tool: offer.tool,
  terraform_version: offer.terraform_version,
});

/** What a pulled offer tells besides its attempt: everything that is no secret, as objects, for agents of other makes. */
export async function describeOffer(
  db: Executor,
  readState: (agent: AgentCaller, offer: OfferRow) => Promise<Record<string, unknown>>,
  agent: AgentCaller,
  offer: OfferRow,
): Promise<PullAnswer> {
  const { rows } = await sql<{ key: string; value: string }>`SELECT key, value FROM variables
    WHERE workspace_id = ${offer.workspace_id} AND NOT sensitive AND category = 'terraform'`.execute(db);
  return {
    task_id: offer.task_id,
    workspace_id: offer.workspace_id,
    action: offer.action,
    terraform_version: offer.terraform_version,
    tool: offer.tool,
    tf_json: {},
    variables: Object.fromEntries(rows.map(({ key, value }) => [key, value])),
    state_json: await readState(agent, offer),
    attempt: toOffered(offer),
  };
}
