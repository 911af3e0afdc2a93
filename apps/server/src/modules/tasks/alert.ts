import type { Logger } from '@groundcrew/kit';
import type { TaskId } from '@groundcrew/protocol';
import { type Database, transaction } from '../../platform/database/index.ts';
import type { Emit } from '../events/index.ts';
import { findTaskPlace, insertTaskEvent } from './history-store.ts';

/** Tells people about a task outside of any decision: in its history, to whoever follows, and in our log. Never throws. */
export type Alert = (taskId: TaskId, sentence: string) => Promise<void>;

export function createAlert({ db, emit, logger }: { db: Database; emit: Emit; logger: Logger }): Alert {
  async function record(taskId: TaskId, sentence: string): Promise<void> {
    await transaction(db, async (tx) => {
      const place = await findTaskPlace(tx, taskId);
      if (place === undefined) return;
      const { organizationId, workspaceId } = place;
      await insertTaskEvent(tx, organizationId, taskId, 'alert', sentence);
      const data = { message: sentence };
      await emit(tx, { organizationId, noun: 'task', id: taskId, kind: 'alert', workspaceId, data });
    });
  }

  return async (taskId, sentence) => {
    logger.warn({ task_id: taskId }, sentence);
    await record(taskId, sentence).catch((error) =>
      logger.error({ err: error, task_id: taskId }, 'an alert was not kept'),
    );
  };
}
