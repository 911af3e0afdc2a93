import type { AcceptRequest, AttemptId, CancelTask, HeartbeatAnswer, RunTask, TaskId } from '@groundcrew/protocol';

/**
 * How an agent takes up work: the same calls whether orders are pushed over the command socket or pulled by long poll. Whatever
 * comes is an offer until accepted; either way ends in the same lease.
 */
export interface Link {
  /**
   * Accepts an offer. Undefined when the server took it, else its refusal as a sentence. Asked again with the same secret until
   * there is an answer, because an accept may have counted although its answer was lost.
   */
  accept(taskId: TaskId, request: AcceptRequest): Promise<string | undefined>;
  /** Refuses an offer; lost silently, since an offer that is not accepted ends by itself. */
  reject(taskId: TaskId, attemptId: AttemptId, reason: string): void;
}

/** What comes from the server without being asked for. */
export interface LinkListener {
  /** Resolves when the offer was taken up or refused, so that the next poll does not get it again. */
  onOffer(order: RunTask): Promise<void>;
  onCancel(order: CancelTask): void;
  onWatched(taskId: TaskId, watched: boolean): void;
  onDrain(reason: string): void;
  onRefreshCredentials(): void;
  /** What the server wants of the attempts held, as it answers hello and heartbeats. */
  onDesired(answer: HeartbeatAnswer): void;
}
