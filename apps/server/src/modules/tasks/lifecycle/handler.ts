import type { Aggregate, Attempt } from './aggregate.ts';
import { type Context, type Decision, type Refusal, refuse } from './change.ts';
import type { ActBodies, AnswerTo, DeliverBodies, OrderBodies, TaskEvent, TaskEventKind } from './events.ts';
import { openAttempt } from './rules.ts';

/** Decides about one kind of event in whatever state the aggregate is. Never throws. */
export type Handler<K extends TaskEventKind> = (
  aggregate: Aggregate,
  event: TaskEvent<K>,
  context: Context,
) => Decision<AnswerTo<K>> | Refusal;

/** An aggregate whose event comes from an attempt. */
export interface AttemptAggregate extends Aggregate {
  readonly attempt: Attempt;
}

/** A handler that is only asked when there is an attempt. */
export type AttemptHandler<K extends TaskEventKind> = (
  aggregate: AttemptAggregate,
  event: TaskEvent<K>,
  context: Context,
) => Decision<AnswerTo<K>> | Refusal;

const noAttempt = (aggregate: Aggregate): Refusal =>
  refuse(aggregate, 'not_found', `Task ${aggregate.task.id} has no such attempt.`);

/** For what ends with the attempt: refused with `fenced` once it has ended. */
export const acting =
  <K extends keyof ActBodies>(handler: AttemptHandler<K>): Handler<K> =>
  (aggregate, event, context) => {
    const { attempt } = aggregate;
    if (!attempt) return noAttempt(aggregate);
    if (attempt.state === 'ended')
      return refuse(
        aggregate,
        'fenced',
        `Attempt ${attempt.number} has ended (${attempt.outcome}) and may no longer act; deliver what is left and stop.`,
      );
    return handler({ ...aggregate, attempt }, event, context);
  };

/** For what is taken from an attempt whether or not it has ended. */
export const delivering =
  <K extends keyof DeliverBodies>(handler: AttemptHandler<K>): Handler<K> =>
  (aggregate, event, context) =>
    aggregate.attempt ? handler({ ...aggregate, attempt: aggregate.attempt }, event, context) : noAttempt(aggregate);

/** For what is asked of the task: it has to be read together with its open attempt, else an order could pass an attempt by. */
export const ordering =
  <K extends keyof OrderBodies>(handler: Handler<K>): Handler<K> =>
  (aggregate, event, context) =>
    (openAttempt(aggregate)?.id ?? null) === aggregate.task.attemptId
      ? handler(aggregate, event, context)
      : refuse(aggregate, 'not_found', `Task ${aggregate.task.id} was read without its open attempt; read it again.`);
