import { Change, type Context, type Decision, type Refusal, refuse, unchanged } from './change.ts';
import { giveBack, loseAttempt, needAttention } from './endings.ts';
import type { Done, TaskEvent } from './events.ts';
import type { AttemptAggregate } from './handler.ts';

const PROOFS = {
  folder: 'its folder shows that nothing of it runs any more',
  pod: 'its pod was seen terminated',
} as const;

/** Proof of death without an exit record. */
export function died(aggregate: AttemptAggregate, { proof }: TaskEvent<'died'>, context: Context): Decision<Done> {
  const { attempt } = aggregate;
  const change = new Change(aggregate);
  if (attempt.state === 'ended') return clearMark(change).done();
  if (attempt.state === 'exited') return unchanged(aggregate);
  if (attempt.state === 'offered')
    return giveBack(change, { outcome: 'returned', counts: 'never_started', reason: PROOFS[proof] }, context).done();
  return (attempt.permit === 'used' ? interrupt(change, context) : loseAttempt(change, PROOFS[proof], context)).done();
}

/** The apply is over, nobody knows how. Its hold stays and states on their way still become current, until a person closes. */
function interrupt(change: Change, { now }: Context): Change {
  const number = change.aggregate.attempt?.number;
  return needAttention(
    change
      .attempt({ state: 'exited', interrupted: true, exitedAt: now, giveUpAt: null, timeoutAt: null, stopBy: null })
      .record('interrupted', `Attempt ${number} is proved dead without an exit record.`),
    {
      code: 'interrupted',
      message: `Terraform of attempt ${number} died in the middle of its apply; compare what it did with the state, then close the task.`,
    },
  );
}

/** Proof that Terraform was never run for this attempt's apply. Once its LOCK was answered such a report can only come from a copied folder. */
export function neverStarted(
  aggregate: AttemptAggregate,
  _event: TaskEvent<'never_started'>,
  context: Context,
): Decision<Done> | Refusal {
  const { attempt } = aggregate;
  const change = new Change(aggregate);
  if (attempt.permit === 'used')
    return refuse(
      aggregate,
      'illegal',
      `Terraform of attempt ${attempt.number} took its state lock, so it was started; deliver the folder that ran it.`,
    );
  if (attempt.state === 'ended') return clearMark(change).done();
  if (attempt.state === 'exited') return unchanged(aggregate);
  return giveBack(
    change,
    { outcome: 'returned', counts: 'never_started', reason: 'Terraform was never started' },
    context,
  ).done();
}

/** A closed attempt turned out to be over; the person's lock stays until that person opens it. */
export function clearMark(change: Change): Change {
  const { workspace, attempt } = change.aggregate;
  const marks = workspace.marks.filter((mark) => mark.attemptId !== attempt?.id);
  if (marks.length === workspace.marks.length) return change;
  return change
    .workspace({ marks })
    .record('proven_dead', `Attempt ${attempt?.number} is over; it changes nothing any more.`);
}
