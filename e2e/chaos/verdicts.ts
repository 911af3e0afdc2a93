import { setTimeout as sleep } from 'node:timers/promises';
import { isTerminal, type TaskId } from '@groundcrew/protocol';
import type { Bed } from './bed.ts';

const POLL_MS = 300;

/**
 * Milliseconds from now until people can read what became of a task whose Terraform was killed: it ended, asks for a person,
 * reads "contact lost", or was given to somebody else. Undefined when that never came.
 */
export async function timeVerdict({ client }: Bed, id: TaskId, giveUp: AbortSignal): Promise<number | undefined> {
  const startedAt = performance.now();
  const patient = { retry: 'until_answered', signal: giveUp } as const;
  const params = { task_id: id };
  const newest = async () => (await client.call('listAttempts', { params }, patient)).items[0]?.id;
  try {
    const before = await newest();
    while (!giveUp.aborted) {
      const task = await client.call('getTask', { params }, patient);
      const isTold = isTerminal(task.status) || task.status !== 'running' || task.contact_lost_since !== null;
      if (isTold || (await newest()) !== before) return performance.now() - startedAt;
      await sleep(POLL_MS);
    }
  } catch (error) {
    if (!giveUp.aborted) throw error;
  }
  return undefined;
}
