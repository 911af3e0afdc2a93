import { ApiError, type Client } from '@groundcrew/client';
import type { Clock, Logger } from '@groundcrew/kit';
import type { AcceptRequest, AttemptId, PullAnswer, RunTask, TaskId } from '@groundcrew/protocol';
import type { LinkListener } from './link.ts';
import { sleepQuietly } from './wait.ts';

export interface HttpLinkDeps {
  client: Client;
  clock: Clock;
  logger: Logger;
  signal: AbortSignal;
}

/** An offer lasts 10 s and a lease 60 s: an accept without an answer for longer than this is worth nothing any more. */
const ACCEPT_FOR_MS = 60_000;
const PULL_SECONDS = 25;

/** Accepts over HTTP until there is an answer. Undefined when it counts, else the refusal as a sentence. */
export async function acceptByHttp(
  { client, signal }: HttpLinkDeps,
  taskId: TaskId,
  body: AcceptRequest,
): Promise<string | undefined> {
  const late = AbortSignal.any([signal, AbortSignal.timeout(ACCEPT_FOR_MS)]);
  try {
    await client.call(
      'acceptAttempt',
      { params: { task_id: taskId }, body },
      { retry: 'until_answered', signal: late },
    );
    return undefined;
  } catch (error) {
    if (error instanceof ApiError) return error.message;
    return 'the server did not answer the accept in time';
  }
}

export function rejectByHttp(
  { client, logger }: HttpLinkDeps,
  taskId: TaskId,
  attemptId: AttemptId,
  reason: string,
): void {
  client
    .call('rejectAttempt', { params: { task_id: taskId }, body: { attempt_id: attemptId, reason } })
    .catch((error) => logger.debug({ err: error }, 'a refused offer could not be told; it ends by itself'));
}

/** Long-polls for offers while `wanted` says so. One offer at a time: the next poll goes out when the last was taken up. */
export async function pullOffers(
  deps: HttpLinkDeps,
  listener: LinkListener,
  state: { wanted: () => boolean; freeSlots: () => number; held: () => AttemptId[] },
): Promise<void> {
  const { client, clock, logger, signal } = deps;
  let failures = 0;
  while (!signal.aborted) {
    if (!state.wanted() || state.freeSlots() === 0) {
      await sleepQuietly(clock, 500, signal);
      continue;
    }
    try {
      const body = { free_slots: state.freeSlots(), attempts: state.held(), wait_seconds: PULL_SECONDS };
      const answer = await client.call(
        'pullTask',
        { body },
        { timeoutMs: (PULL_SECONDS + 15) * 1000, retry: 'never', signal },
      );
      failures = 0;
      if (answer !== undefined) await listener.onOffer(toOrder(answer));
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      logger.debug({ err: error }, 'pulling did not work; trying again');
      await sleepQuietly(clock, Math.min(10_000, 250 * 2 ** failures), signal);
    }
  }
}

const toOrder = ({ task_id, workspace_id, action, attempt, tool, terraform_version }: PullAnswer): RunTask => ({
  task_id,
  workspace_id,
  action,
  attempt,
  tool,
  terraform_version,
});
