import type { Logger } from '@groundcrew/kit';
import type { AgentId, AttemptId, TaskId } from '@groundcrew/protocol';
import type { Database } from '../../../platform/database/index.ts';
import type { EmitMany } from '../../events/index.ts';
import type { Decider } from '../decide.ts';
import type { Figures } from '../lifecycle/index.ts';
import { createDispatcher } from './dispatcher.ts';
import { createOfferBatch } from './offer-batch.ts';
import { createQueueView } from './queue-view.ts';
import { type CandidateReader, createSnapshotReader } from './snapshot-reader.ts';

export type { QueueView } from './queue-view.ts';
export type { Candidate, CandidateReader } from './snapshot-reader.ts';

export interface DispatchDeps {
  db: Database;
  decider: Decider;
  figures: Figures;
  emitMany: EmitMany;
  logger: Logger;
  /** Readers remember: each needs one of its own. */
  createCandidateReader: () => CandidateReader;
  sendOffer: (agentId: AgentId, attemptId: AttemptId) => void;
  wakeTask: (taskId: TaskId) => void;
}

/** Giving tasks to agents, and looking at the queue with the same eyes. */
export function createDispatch(deps: DispatchDeps) {
  const { db, createCandidateReader, figures } = deps;
  const { silentOffersUntilSuspect } = figures;
  const createReader = () => createSnapshotReader({ candidates: createCandidateReader(), silentOffersUntilSuspect });
  const dispatcher = createDispatcher({ ...deps, reader: createReader(), offerMany: createOfferBatch(deps) });
  return { dispatcher, view: createQueueView({ db, reader: createReader() }) };
}
