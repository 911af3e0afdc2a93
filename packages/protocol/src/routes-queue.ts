import * as z from 'zod';
import { PoolId } from './ids.ts';
import { QueueLimits, QueueSummary } from './queue.ts';
import { route } from './route.ts';

/** The queue as a whole; why one task waits is the task's own route. */
export const queueRoutes = {
  getQueueSummary: route({
    method: 'GET',
    path: '/queue/summary',
    tag: 'queue',
    summary: 'Waiting, running and free by pool, and how many further agents would help',
    access: { who: 'user', permission: 'pool:read' },
    query: z.object({ pool_id: PoolId.optional().describe('Only this pool.') }),
    answer: QueueSummary,
  }),
  getQueueLimits: route({
    method: 'GET',
    path: '/queue/limits',
    tag: 'queue',
    summary: 'How many tasks of the organisation may run at once',
    access: { who: 'user', permission: 'pool:read' },
    answer: QueueLimits,
  }),
  updateQueueLimits: route({
    method: 'PUT',
    path: '/queue/limits',
    tag: 'queue',
    summary: 'Change how many tasks of the organisation may run at once',
    access: { who: 'user', permission: 'organization:write' },
    body: QueueLimits,
    answer: QueueLimits,
  }),
};
