import type {
  AgentId,
  AttemptId,
  AttemptOutcome,
  CancelLevel,
  Phase,
  StateVersionId,
  TaskId,
  TaskStatus,
} from '@groundcrew/protocol';
import type { Approval, ExitRecord } from './aggregate.ts';

/** Kinds of a task's history, in the order a task usually meets them. */
export type TaskRecord =
  | 'offered'
  | 'accepted'
  | 'returned'
  | 'lost'
  | 'plan_stored'
  | 'approved'
  | 'approval_voided'
  | 'permitted'
  | 'permit_refused'
  | 'permit_withdrawn'
  | 'state_locked'
  | 'state_stored'
  | 'state_quarantined'
  | 'cancel_asked'
  | 'timed_out'
  | 'exited'
  | 'interrupted'
  | 'late_result'
  | 'needs_attention'
  | 'contact_back'
  | 'proven_dead'
  | 'closed'
  | 'ended';

/**
 * What is to be done besides saving the aggregate. Rows (`record`, approvals, states, `tell_holder`) belong to the same
 * transaction; whatever leaves the process (offers, words to agents, alerts, wake-ups) is done once it is committed.
 */
export type Effect =
  /** A task may have become assignable, or a slot free. */
  | { readonly kind: 'wake_dispatcher' }
  /** Send the saved offer, then report `mark_sent`. */
  | { readonly kind: 'send_offer'; readonly agentId: AgentId; readonly attemptId: AttemptId }
  /** A sent offer stayed unanswered; the agent's count starts again with its next good call. */
  | { readonly kind: 'count_silent_offer'; readonly agentId: AgentId }
  /** Pushed for speed only; the next renewal says the same. */
  | {
      readonly kind: 'tell_agent';
      readonly agentId: AgentId;
      readonly attemptId: AttemptId;
      readonly cancelLevel: CancelLevel;
    }
  /** The attempt is over: whoever still acts for it is fenced. */
  | {
      readonly kind: 'attempt_ended';
      readonly agentId: AgentId;
      readonly attemptId: AttemptId;
      readonly outcome: AttemptOutcome;
    }
  | { readonly kind: 'write_approval'; readonly approval: Approval }
  | { readonly kind: 'void_approval'; readonly sentence: string }
  /** The stored plan file of this attempt will never be applied. */
  | { readonly kind: 'void_plan'; readonly attemptId: AttemptId }
  | {
      readonly kind: 'store_state';
      readonly id: StateVersionId;
      readonly standing: 'current' | 'superseded' | 'quarantined';
      readonly sentence: string;
    }
  /** A person decided about a quarantined state. */
  | { readonly kind: 'decide_quarantined'; readonly id: StateVersionId; readonly accepted: boolean }
  | { readonly kind: 'store_late_finish'; readonly attemptId: AttemptId; readonly record: ExitRecord }
  | { readonly kind: 'mark_logs_incomplete'; readonly attemptId: AttemptId; readonly phases: readonly Phase[] }
  /** Step the task that holds the workspace with this event, in the same transaction, after this aggregate is saved. */
  | {
      readonly kind: 'tell_holder';
      readonly taskId: TaskId;
      readonly event: { readonly kind: 'state_moved_on' | 'quarantine_arrived' };
    }
  /** A row of the task's history. */
  | { readonly kind: 'record'; readonly what: TaskRecord; readonly sentence: string }
  /** Tell people, not only whoever looks. */
  | { readonly kind: 'alert'; readonly sentence: string }
  | { readonly kind: 'task_ended'; readonly status: TaskStatus };
