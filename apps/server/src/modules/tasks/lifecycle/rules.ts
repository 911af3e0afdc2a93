import type { Action, StateMark } from '@groundcrew/protocol';
import type { Aggregate, Approval, Attempt, Instant, StateRef, Task, Workspace } from './aggregate.ts';

/** Only a task that may apply takes the hold. */
export const mayApply = (task: Task): boolean => task.type === 'plan_and_apply';

/** The attempt if it has not ended. */
export const openAttempt = ({ attempt }: Aggregate): Attempt | undefined =>
  attempt?.state === 'ended' ? undefined : attempt;

/** True while the attempt is given its permit and has not ended: no other write of the state is allowed. */
export const holdsPermit = (attempt: Attempt): boolean =>
  attempt.state !== 'ended' && (attempt.permit === 'live' || attempt.permit === 'used');

/** True when both name the same state, or both none. */
export const sameState = (a: StateRef | null, b: StateRef | null): boolean =>
  a === b || (a !== null && b !== null && a.lineage === b.lineage && a.serial === b.serial);

/** True when both are the very same bytes. */
export const sameContent = (a: StateMark, b: StateMark): boolean =>
  a.checksum === b.checksum && a.lineage === b.lineage && a.serial === b.serial;

/** The task's plan was made from the state that is present now. */
export const planIsPresent = (task: Task, workspace: Workspace): boolean =>
  task.plan !== null && sameState(task.plan.madeFrom, workspace.state);

/** The approval, if it is not void and names the plan that is stored and the state that plan was made from. */
export function findApproval(task: Task): Approval | undefined {
  const { approval, plan } = task;
  if (!approval || !plan || approval.voidedAt !== null) return undefined;
  return approval.planChecksum === plan.checksum && sameState(approval.madeFrom, plan.madeFrom) ? approval : undefined;
}

/** While an attempt is not proven dead or a quarantined state is undecided, a person looks before anything is applied. */
export const mayAutoApprove = (task: Task, workspace: Workspace): boolean =>
  mayApply(task) && task.autoApprove && workspace.marks.length === 0 && workspace.undecided.length === 0;

/** What the task's next attempt is ordered to do. */
export function nextAction(task: Task, workspace: Workspace): Action {
  if (task.phase === 'apply') return 'apply';
  return mayAutoApprove(task, workspace) ? 'plan_apply' : 'plan';
}

/** True for a task that waits for an agent. */
export const isWaiting = (task: Task): boolean => task.status === 'pending' && task.attemptId === null;

/** "Contact lost, may still be running": derived, so that there is nothing to remember when contact comes back. */
const contactLost = (attempt: Attempt, now: Instant): boolean =>
  attempt.state === 'running' && attempt.leaseUntil !== null && attempt.leaseUntil < now;

/** True while a person may close the task: it needs attention, or its apply is out of contact. */
export const mayClose = ({ task, attempt }: Aggregate, now: Instant): boolean =>
  task.status === 'needs_attention' || (attempt?.permit === 'used' && contactLost(attempt, now));
