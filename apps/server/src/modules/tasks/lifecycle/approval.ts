import type { Actor, Approval, Instant } from './aggregate.ts';
import type { Change } from './change.ts';

/** Writes the approval of the stored plan: from here on the apply is what comes next. */
export function approvePlan(change: Change, by: Actor, at: Instant): Change {
  const { plan } = change.aggregate.task;
  if (!plan) return change;
  const approval: Approval = { planChecksum: plan.checksum, madeFrom: plan.madeFrom, by, at, voidedAt: null };
  return change
    .task({ approval, phase: 'apply' })
    .effect({ kind: 'write_approval', approval })
    .record(
      'approved',
      by.kind === 'person' ? `${by.name} approved the plan.` : 'The plan was approved automatically.',
    );
}

/** Takes back an approval that no permit was given for. */
export function voidApproval(change: Change, why: string, now: Instant): Change {
  const { approval } = change.aggregate.task;
  if (!approval || approval.voidedAt !== null) return change;
  const sentence = `The approval is void: ${why}.`;
  return change
    .task({ approval: { ...approval, voidedAt: now } })
    .effect({ kind: 'void_approval', sentence })
    .record('approval_voided', sentence);
}

/** Gives up the stored plan with its approval; its file stays readable but will never be applied. */
export function dropPlan(change: Change, why: string, now: Instant): Change {
  const { plan } = change.aggregate.task;
  if (!plan) return change;
  return voidApproval(change, why, now).effect({ kind: 'void_plan', attemptId: plan.attemptId });
}
