import type { Aggregate, Instant } from './aggregate.ts';
import { Change, type Context, type Decision } from './change.ts';
import { type Deadline, nextDeadlineOf } from './deadlines.ts';
import { endAttempt, endCancelled, loseAttempt, needAttention } from './endings.ts';
import type { Done, TaskEvent } from './events.ts';
import { settle } from './settle.ts';
import { pass, raise } from './step-cancel.ts';
import { expireOffer } from './step-offer.ts';
import { expirePlan } from './step-plan.ts';

/** Applies every deadline that has passed, the earliest first. Each one ends what it belongs to or moves on, so none is met twice. */
export const tick = (aggregate: Aggregate, _event: TaskEvent<'tick'>, context: Context): Decision<Done> =>
  passDeadlines(new Change(aggregate), context).done();

function passDeadlines(change: Change, context: Context): Change {
  const deadline = nextDeadlineOf(change.aggregate);
  if (!deadline || deadline.at > context.now) return change;
  return passDeadlines(RULES[deadline.rule](change, context), context);
}

const RULES: Record<Deadline['rule'], (change: Change, context: Context) => Change> = {
  offer: (change, context) =>
    change.aggregate.attempt ? expireOffer(change, change.aggregate.attempt, context) : change,
  silence: giveUp,
  timeout: timeOut,
  stop: stopOverdue,
  settle,
  plan_life: expirePlan,
};

const seconds = (from: Instant | null, to: Instant): number => Math.round((to - (from ?? to)) / 1000);

/** Silence was borne long enough. Only an apply whose permit is used may still be changing things, so only that one is kept. */
function giveUp(change: Change, context: Context): Change {
  const { attempt } = change.aggregate;
  if (attempt?.permit !== 'used') return loseAttempt(change, 'nothing was heard of it in time', context);
  const silent = seconds(attempt.leaseUntil, context.now);
  return needAttention(change, {
    code: 'abandoned',
    message: `Nothing was heard of attempt ${attempt.number} for ${silent} s after its lease; its apply may still be running. Look after its host, then close the task.`,
  });
}

/** The phase is over its time: a cancel of level 1, which on an apply people are told of. */
function timeOut(change: Change, context: Context): Change {
  const { attempt } = change.aggregate;
  const sentence = `Attempt ${attempt?.number} is over its time and is being cancelled.`;
  const told = pass(raise(change, 1, 'timed_out'), context).record('timed_out', sentence);
  return attempt?.permit === 'none' ? told : told.effect({ kind: 'alert', sentence });
}

/** No exit long after a cancel. */
function stopOverdue(change: Change, { now }: Context): Change {
  const { attempt } = change.aggregate;
  if (attempt?.permit !== 'used') return endCancelled(endAttempt(change, 'cancelled', now), now);
  return needAttention(change, {
    code: 'stuck',
    message: `Terraform of attempt ${attempt.number} was interrupted and does not exit; look after its host, or close the task.`,
  });
}
