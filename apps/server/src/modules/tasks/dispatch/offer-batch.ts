import { newId } from '@groundcrew/kit';
import type { AgentId, AttemptId, TaskId, WorkspaceId } from '@groundcrew/protocol';
import { type Database, transaction } from '../../../platform/database/index.ts';
import type { EmitMany } from '../../events/index.ts';
import type { Loaded } from '../aggregate-rows.ts';
import { lockWaiting } from '../aggregate-store.ts';
import { type Decision, type Effect, type Figures, type Offer, step, type Workspace } from '../lifecycle/index.ts';
import type { Assignment } from './choice.ts';
import { type OfferToSave, saveOffers } from './offer-store.ts';

export interface OfferBatchDeps {
  db: Database;
  figures: Figures;
  emitMany: EmitMany;
  /** Sends a saved offer; called once it is committed. Losing it costs two seconds. */
  sendOffer: (agentId: AgentId, attemptId: AttemptId) => void;
  /** Wakes whoever looks at the task. */
  wakeTask: (taskId: TaskId) => void;
}

/**
 * Offers many tasks in one transaction: the same decision as for a single one, by the same `step`, but locked, read and saved
 * as sets, so that a queue of thousands drains at the speed of the database and not of its round trips. Gives what was offered.
 *
 * Tasks whose workspace somebody else decides about just now are left out, or a wait for one of them would hold up all the
 * others; so are those that refuse.
 */
export const createOfferBatch =
  ({ db, figures, emitMany, sendOffer, wakeTask }: OfferBatchDeps) =>
  async (assignments: readonly Assignment[]): Promise<Assignment[]> => {
    const offers = await transaction(db, async (tx) => {
      const loaded = await lockWaiting(
        tx,
        assignments.map(({ taskId }) => taskId),
      );
      const decided = decideOffers(loaded, assignments, figures);
      if (decided.length > 0) await Promise.all([saveOffers(tx, decided), emitMany(tx, decided.map(toEvent))]);
      return decided;
    });
    for (const { attempt } of offers) {
      sendOffer(attempt.agentId, attempt.id);
      wakeTask(attempt.taskId);
    }
    return offers.map(({ attempt }) => ({ taskId: attempt.taskId, agentId: attempt.agentId }));
  };

const toEvent = ({ organizationId, workspace, attempt, sentence }: OfferToSave) => ({
  organizationId,
  noun: 'task' as const,
  id: attempt.taskId,
  kind: 'offered',
  workspaceId: workspace.id,
  data: { message: sentence },
});

/** One after the other: a workspace is as the decision before has left it. */
function decideOffers(loaded: readonly Loaded[], assignments: readonly Assignment[], figures: Figures): OfferToSave[] {
  const byTask = new Map(loaded.map((one) => [one.aggregate.task.id, one]));
  const workspaces = new Map<WorkspaceId, Workspace>();
  return assignments.flatMap(({ taskId, agentId }) => {
    const one = byTask.get(taskId);
    if (one === undefined) return [];
    const workspace = workspaces.get(one.aggregate.workspace.id) ?? one.aggregate.workspace;
    const attemptId = newId('att') as AttemptId;
    const event = { kind: 'assign', attemptId, agentId, firstInOrder: true } as const;
    const decision = step({ ...one.aggregate, workspace }, event, one.now, figures);
    if (decision.refused) return [];
    workspaces.set(workspace.id, decision.aggregate.workspace);
    return [{ organizationId: one.organizationId, ...toSave(decision) }];
  });
}

/** A batch writes an offer's rows and no others; if the life cycle asks for more one day, it is not to be dropped in silence. */
function toSave({ aggregate, effects }: Decision<Offer>): Omit<OfferToSave, 'organizationId'> {
  const { workspace, task, attempt } = aggregate;
  const [sentence, ...more] = effects.flatMap((effect) => (effect.kind === 'record' ? [effect.sentence] : []));
  if (attempt === undefined || sentence === undefined || more.length > 0 || !effects.every(isExpected))
    throw new Error(`An offer asks for more than a batch saves: ${effects.map(({ kind }) => kind).join(', ')}.`);
  return { workspace, task, attempt, sentence };
}

const isExpected = (effect: Effect): boolean =>
  effect.kind === 'send_offer' || (effect.kind === 'record' && effect.what === 'offered');
