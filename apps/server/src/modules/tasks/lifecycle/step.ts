import type { Aggregate, Instant, Workspace } from './aggregate.ts';
import type { Context, Decision, Refusal } from './change.ts';
import type { AnswerTo, TaskEvent, TaskEventKind, WorkspaceEvent, WorkspaceEventKind } from './events.ts';
import { type Figures, START_FIGURES } from './figures.ts';
import { acting, delivering, type Handler, ordering } from './handler.ts';
import { cancel } from './step-cancel.ts';
import { afterRestore, closeTask } from './step-close.ts';
import { died, neverStarted } from './step-death.ts';
import { finish, logIn } from './step-finish.ts';
import { accept, assign, markSent, reject } from './step-offer.ts';
import { askPermit, takeLock } from './step-permit.ts';
import { approve, discard, quarantineArrived, stateMovedOn, storePlan } from './step-plan.ts';
import { renew, reportStage, returnAttempt, revokeAgent } from './step-run.ts';
import { postState } from './step-state.ts';
import { tick } from './step-tick.ts';
import {
  discardQuarantined,
  lock,
  unlock,
  type WorkspaceDecision,
  type WorkspaceHandler,
  writeState,
} from './step-workspace.ts';

/** Who decides about what. */
const TASK_HANDLERS: { readonly [K in TaskEventKind]: Handler<K> } = {
  accept: acting(accept),
  reject: acting(reject),
  renew: acting(renew),
  stage: acting(reportStage),
  return: acting(returnAttempt),
  plan_stored: acting(storePlan),
  permit_asked: acting(askPermit),
  lock_arrived: acting(takeLock),

  finish: delivering(finish),
  log_in: delivering(logIn),
  state_posted: delivering(postState),
  died: delivering(died),
  never_started: delivering(neverStarted),

  assign: ordering(assign),
  mark_sent: ordering(markSent),
  approve: ordering(approve),
  discard: ordering(discard),
  cancel: ordering(cancel),
  close: ordering(closeTask),
  agent_revoked: ordering(revokeAgent),
  tick: ordering(tick),
  restored: ordering(afterRestore),
  state_moved_on: ordering(stateMovedOn),
  quarantine_arrived: ordering(quarantineArrived),
};

const WORKSPACE_HANDLERS: { readonly [K in WorkspaceEventKind]: WorkspaceHandler<K> } = {
  lock,
  unlock,
  write_state: writeState,
  discard_quarantined: discardQuarantined,
};

/**
 * The life of a task: what an event does to a workspace's fence, a task and the attempt it speaks of. Pure and total: the same
 * input gives the same output, and no event in any state is answered by an exception. The caller locks workspace, task and attempt
 * in that order, saves the aggregate and the effects' rows in the same transaction, and answers once that is committed.
 */
export function step<K extends TaskEventKind>(
  aggregate: Aggregate,
  event: TaskEvent<K>,
  now: Instant,
  figures: Figures = START_FIGURES,
): Decision<AnswerTo<K>> | Refusal {
  const handler: Handler<K> = TASK_HANDLERS[event.kind];
  const context: Context = { now, figures };
  return handler(aggregate, event, context);
}

/** As {@link step}, for what concerns a workspace whatever its tasks do. What its holder must learn comes as the effect `tell_holder`. */
export function stepWorkspace<K extends WorkspaceEventKind>(
  workspace: Workspace,
  event: WorkspaceEvent<K>,
  now: Instant,
  figures: Figures = START_FIGURES,
): WorkspaceDecision<AnswerTo<K>> | Refusal {
  const handler: WorkspaceHandler<K> = WORKSPACE_HANDLERS[event.kind];
  return handler(workspace, event, { now, figures });
}
