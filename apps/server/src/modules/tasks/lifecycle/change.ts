import type {
  AttemptId,
  AttemptOutcome,
  AttemptState,
  CancelLevel,
  ErrorCode,
  Permit,
  TaskStatus,
} from '@groundcrew/protocol';
import type { Aggregate, Attempt, Instant, Task, Workspace } from './aggregate.ts';
import type { Effect, TaskRecord } from './effects.ts';
import type { Done } from './events.ts';
import type { Figures } from './figures.ts';

/** What every handler is given besides aggregate and event. */
export interface Context {
  readonly now: Instant;
  readonly figures: Figures;
}

/** The event was taken: save the aggregate, do the effects, then answer. The aggregate is the very same object when nothing changed. */
export interface Decision<A> {
  readonly refused: false;
  readonly aggregate: Aggregate;
  readonly effects: readonly Effect[];
  readonly answer: A;
}

/** The event was not taken and nothing has changed. */
export interface Refusal {
  readonly refused: true;
  readonly code: RefusalCode;
  /** Names the thing and the way out. */
  readonly sentence: string;
  readonly present: Present;
}

/** The state a refused caller is told. */
export interface Present {
  readonly status: TaskStatus | null;
  readonly cancelLevel: CancelLevel;
  readonly holderEpoch: number;
  readonly attempt: {
    readonly id: AttemptId;
    readonly number: number;
    readonly epoch: number;
    readonly state: AttemptState;
    readonly outcome: AttemptOutcome | null;
    readonly permit: Permit;
  } | null;
}

/** Every code of a refusal, with the error code it travels under. */
export const REFUSAL_CODES = {
  /** The attempt has lost its right to act, or somebody else acts in its name. */
  fenced: 'fenced',
  /** An apply holds the workspace. */
  held: 'held',
  /** A person's lock is in the way. */
  locked: 'locked',
  /** The plan is not the present one. */
  stale: 'stale_plan',
  /** The task is being cancelled. */
  cancelled: 'conflict',
  /** The same thing was already said with other content. */
  contradicts: 'conflict',
  /** Does not fit the state the task is in. */
  illegal: 'conflict',
  /** The task has ended for good. */
  ended: 'conflict',
  /** Only a person can decide now. */
  needs_attention: 'conflict',
  /** Another task comes first. */
  not_first: 'conflict',
  /** Past level 1 an apply is cancelled only by a person with force. */
  force_needed: 'conflict',
  /** A warning must be confirmed first. */
  unconfirmed: 'conflict',
  not_found: 'not_found',
} as const satisfies Record<string, ErrorCode>;
export type RefusalCode = keyof typeof REFUSAL_CODES;

/** An aggregate on its way to the next one, with what is to be done once it is saved. Immutable; every call gives a new one. */
export class Change {
  readonly aggregate: Aggregate;
  readonly effects: readonly Effect[];

  constructor(aggregate: Aggregate, effects: readonly Effect[] = []) {
    this.aggregate = aggregate;
    this.effects = effects;
  }

  workspace(patch: Partial<Workspace>): Change {
    return new Change({ ...this.aggregate, workspace: { ...this.aggregate.workspace, ...patch } }, this.effects);
  }

  task(patch: Partial<Task>): Change {
    return new Change({ ...this.aggregate, task: { ...this.aggregate.task, ...patch } }, this.effects);
  }

  attempt(patch: Partial<Attempt>): Change {
    const { attempt } = this.aggregate;
    return attempt ? new Change({ ...this.aggregate, attempt: { ...attempt, ...patch } }, this.effects) : this;
  }

  effect(...effects: readonly Effect[]): Change {
    return new Change(this.aggregate, [...this.effects, ...effects]);
  }

  record(what: TaskRecord, sentence: string): Change {
    return this.effect({ kind: 'record', what, sentence });
  }

  answer<A>(answer: A): Decision<A> {
    return { refused: false, aggregate: this.aggregate, effects: this.effects, answer };
  }

  done(): Decision<Done> {
    return this.answer({ kind: 'done' });
  }
}

/** The event was taken and there was nothing left to do. */
export const unchanged = (aggregate: Aggregate): Decision<Done> => new Change(aggregate).done();

/** Refuses, telling the present state. */
export const refuse = (aggregate: Aggregate, code: RefusalCode, sentence: string): Refusal => ({
  refused: true,
  code,
  sentence,
  present: presentOf(aggregate.workspace, aggregate.task, aggregate.attempt),
});

export const presentOf = (workspace: Workspace, task?: Task, attempt?: Attempt): Present => ({
  status: task?.status ?? null,
  cancelLevel: task?.cancelLevel ?? 0,
  holderEpoch: workspace.holderEpoch,
  attempt: attempt
    ? {
        id: attempt.id,
        number: attempt.number,
        epoch: attempt.epoch,
        state: attempt.state,
        outcome: attempt.outcome,
        permit: attempt.permit,
      }
    : null,
});
