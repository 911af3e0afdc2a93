import type { OrganizationId, QueueLimits } from '@groundcrew/protocol';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import type { Handlers, UserCaller } from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import type { QueueView } from './dispatch/index.ts';

export interface QueueRoutesDeps {
  db: Database;
  queue: QueueView;
  recordChange: RecordChange;
  wakeDispatcher: () => void;
}

/** The queue of an organisation in numbers, and its limit. */
export function createQueueHandlers({ db, queue, recordChange, wakeDispatcher }: QueueRoutesDeps) {
  async function updateLimits(caller: UserCaller, body: QueueLimits): Promise<QueueLimits> {
    await transaction(db, async (tx) => {
      const before = await limitsOf(tx, caller.organizationId).forNoKeyUpdate().executeTakeFirstOrThrow();
      await tx.updateTable('organizations').set(body).where('id', '=', caller.organizationId).execute();
      const change = {
        caller,
        action: 'update_limits',
        noun: 'organization',
        subjectId: caller.organizationId,
      } as const;
      await recordChange(tx, { ...change, before, after: { ...body } });
    });
    wakeDispatcher();
    return body;
  }

  return {
    getQueueSummary: async ({ caller, query }) => ({
      ...(await queue.summarise(caller.organizationId, query.pool_id)),
      ...(await readLimits(db, caller.organizationId)),
    }),
    getQueueLimits: ({ caller }) => readLimits(db, caller.organizationId),
    updateQueueLimits: ({ caller, body }) => updateLimits(caller, body),
  } satisfies Partial<Handlers>;
}

const limitsOf = (db: Executor, id: OrganizationId) =>
  db.selectFrom('organizations').select('max_concurrent_tasks').where('id', '=', id);

const readLimits = (db: Executor, id: OrganizationId): Promise<QueueLimits> =>
  limitsOf(db, id).executeTakeFirstOrThrow();
