import type { Mutant } from './mutant.ts';

/**
 * Guards that must be missed when they are gone. Those behind which a second one stands, so that nothing happens when only one of
 * the two is gone, are not in the list.
 */
export const MUTANTS: readonly Mutant[] = [
  {
    guard: 'a task waits while another one holds the workspace',
    file: 'step-offer.ts',
    find: 'workspace.hold !== null && workspace.hold !== task.id',
    replace: 'false',
  },
  {
    guard: 'an offer is given only to a task that waits',
    file: 'step-offer.ts',
    find: 'if (!isWaiting(task))',
    replace: 'if (task.completedAt !== null)',
  },
  {
    guard: 'a rejection comes before the accept',
    file: 'step-offer.ts',
    find: "if (attempt.state !== 'offered')\n    return refuse(aggregate, 'illegal', `Attempt ${attempt.number} was accepted",
    replace:
      "if (attempt.state === 'exited')\n    return refuse(aggregate, 'illegal', `Attempt ${attempt.number} was accepted",
  },
  {
    guard: 'an ended attempt does not act',
    file: 'handler.ts',
    find: "if (attempt.state === 'ended')",
    replace: 'if (false)',
  },
  {
    guard: 'no permit after a cancel',
    file: 'step-permit.ts',
    find: "if (task.cancelLevel > 0) return 'cancelled';",
    replace: '',
  },
  {
    guard: 'no permit under a lock',
    file: 'step-permit.ts',
    find: "if (workspace.lock) return 'locked';",
    replace: '',
  },
  {
    guard: 'no permit for a plan made from another state',
    file: 'step-permit.ts',
    find: "if (task.plan && !planIsPresent(task, workspace)) return 'stale';",
    replace: '',
  },
  {
    guard: 'the permit is for the approved plan file only',
    file: 'step-permit.ts',
    find: "task.plan?.checksum === event.planChecksum ? undefined : 'wrong_plan'",
    replace: 'undefined',
  },
  {
    guard: 'a permit moves the fence',
    file: 'step-permit.ts',
    find: 'holderEpoch: attempt.epoch })',
    replace: '})',
  },
  {
    guard: 'no LOCK after a cancel',
    file: 'step-permit.ts',
    find: "if (task.cancelLevel > 0)\n    return refuse(aggregate, 'cancelled'",
    replace: "if (false)\n    return refuse(aggregate, 'cancelled'",
  },
  {
    guard: 'a used permit outlives silence',
    file: 'step-tick.ts',
    find: "if (attempt?.permit !== 'used') return loseAttempt",
    replace: 'if (attempt) return loseAttempt',
  },
  {
    guard: 'a used permit outlives a cancel that is not obeyed',
    file: 'step-tick.ts',
    find: "if (attempt?.permit !== 'used') return endCancelled",
    replace: 'if (attempt) return endCancelled',
  },
  {
    guard: 'an apply proved dead waits for a person',
    file: 'step-death.ts',
    find: "attempt.permit === 'used' ? interrupt",
    replace: 'false ? interrupt',
  },
  {
    guard: 'never started is not believed after LOCK',
    file: 'step-death.ts',
    find: "if (attempt.permit === 'used')",
    replace: 'if (false)',
  },
  {
    guard: 'an apply that has begun is not handed back',
    file: 'step-run.ts',
    find: "if (attempt.permit === 'used')",
    replace: 'if (false)',
  },
  {
    guard: 'a revoked agent keeps its apply',
    file: 'step-run.ts',
    find: "if (attempt.permit !== 'none')\n    return change\n",
    replace: 'if (false)\n    return change\n',
  },
  {
    guard: 'an exit record of a plan ends no apply',
    file: 'step-finish.ts',
    find: "attempt.permit === 'used' && !speaksOfApply(event.record)",
    replace: 'false',
  },
  {
    guard: 'a later exit record is kept beside the task',
    file: 'step-finish.ts',
    find: "aggregate.attempt.state === 'ended' ? keepLate(aggregate, record) : exit",
    replace: 'exit',
  },
  {
    guard: 'an apply ends only with its state',
    file: 'settle.ts',
    find: 'if (!lastState) return true;',
    replace: 'return true;',
  },
  {
    guard: 'a finished plan of a cancelled task is not approved',
    file: 'settle.ts',
    find: 'if (task.cancelLevel > 0) return endCancelled(close(change, exit), context.now);\n  if (!succeeded',
    replace: 'if (!succeeded',
  },
  {
    guard: 'only the holder writes the state',
    file: 'step-state.ts',
    find: "workspace.permit === attempt.id && workspace.holderEpoch === attempt.epoch && attempt.permit === 'used'",
    replace: "attempt.permit === 'used'",
  },
  {
    guard: 'a waiting plan ends when the state moves on',
    file: 'step-plan.ts',
    find: "const waits = task.attemptId === null && (task.status === 'awaiting_approval' || task.status === 'pending');",
    replace: 'const waits = false;',
  },
  {
    guard: 'an approval names the stored plan',
    file: 'step-plan.ts',
    find: 'if (task.plan && task.plan.checksum !== event.planChecksum)',
    replace: 'if (false)',
  },
  {
    guard: 'only a person approves by hand',
    file: 'step-plan.ts',
    find: "if (event.by.kind !== 'person')",
    replace: 'if (false)',
  },
  {
    guard: 'nobody discards a task under way',
    file: 'step-plan.ts',
    find: 'if (task.attemptId !== null)',
    replace: 'if (false)',
  },
  {
    guard: 'only a person closes, having confirmed it',
    file: 'step-close.ts',
    find: 'if (!event.confirmed)',
    replace: 'if (false)',
  },
  {
    guard: 'what is in contact is not closed',
    file: 'step-close.ts',
    find: 'if (!mayClose(aggregate, now))',
    replace: 'if (false)',
  },
  {
    guard: 'cancelled wins over every way back to the queue',
    file: 'endings.ts',
    find: 'if (task.cancelLevel > 0) return endCancelled(change, now);\n  if (lastChance)',
    replace: 'if (lastChance)',
  },
  {
    guard: 'a task that comes back with an old plan fails',
    file: 'endings.ts',
    find: "if (!planIsPresent(task, workspace)) return endTask(change, 'failed', staleReason(task), now);",
    replace: '',
  },
  {
    guard: 'an apply is killed only with force',
    file: 'step-cancel.ts',
    find: "if (event.level > 1 && !(event.force && event.by.kind === 'person'))",
    replace: 'if (false)',
  },
  {
    guard: 'a cancel sets the time in which to exit',
    file: 'step-cancel.ts',
    find: 'stopBy: attempt.stopBy ?? now + grace',
    replace: 'stopBy: null',
  },
  {
    guard: 'nobody pushes a state beside a permit',
    file: 'step-workspace.ts',
    find: "if (workspace.permit)\n    return refuse(\n      workspace,\n      'held',\n      'An apply holds the workspace; its state",
    replace:
      "if (false)\n    return refuse(\n      workspace,\n      'held',\n      'An apply holds the workspace; its state",
  },
  {
    guard: 'whoever unlocks is warned of what is not proven dead',
    file: 'step-workspace.ts',
    find: 'if (mark && !acknowledged)',
    replace: 'if (false)',
  },
  {
    guard: 'an ended task releases its hold',
    file: 'endings.ts',
    find: '.workspace({ hold: workspace.hold === task.id ? null : workspace.hold })',
    replace: '',
  },
  {
    guard: 'an ended attempt gives up its permit',
    file: 'endings.ts',
    find: '.workspace({ permit: holdsPermit(attempt) ? null : workspace.permit })',
    replace: '',
  },
];
