import type { AttemptId, TaskId, WorkspaceId } from '@groundcrew/protocol';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import { AppError } from '../../platform/http/index.ts';
import type { Loaded } from './aggregate-rows.ts';
import { loadAggregate, lockWorkspace, saveAggregate, saveWorkspace } from './aggregate-store.ts';
import {
  type Aggregate,
  type AnswerTo,
  type Effect,
  type Figures,
  REFUSAL_CODES,
  type Refusal,
  step,
  stepWorkspace,
  type TaskEvent,
  type TaskEventKind,
  type Workspace,
  type WorkspaceEvent,
  type WorkspaceEventKind,
} from './lifecycle/index.ts';

/** What an effect needs to know of the task it came from. */
export interface EffectContext {
  organizationId: string;
  workspaceId: WorkspaceId;
  /** Undefined for what concerns the workspace alone. */
  taskId: TaskId | undefined;
  attemptId: AttemptId | undefined;
}

/** Does what a decision asks for beyond saving the aggregate. */
export interface EffectSink {
  /** Rows: inside the transaction, so that they are as durable as the decision itself. */
  write(tx: Executor, effect: Effect, context: EffectContext, extra: unknown): Promise<void>;
  /** Words to others: once the decision is committed; losing them costs time only. */
  tell(effects: readonly Effect[], context: EffectContext): void;
}

/** A decision that has been committed. */
export interface Decided {
  readonly effects: readonly Effect[];
  /** Undefined for a decision about a workspace alone. */
  readonly task?: DecidedTask;
}
export interface DecidedTask {
  readonly event: TaskEventKind;
  readonly before: Aggregate;
  readonly after: Aggregate;
  /** When the task was created, in milliseconds on the database's clock. */
  readonly createdAt: number;
}

export interface DeciderDeps {
  db: Database;
  figures: Figures;
  sink: EffectSink;
  /** Told of every decision once it is committed, for whoever counts; must neither throw nor take long. */
  observe?: ((decided: Decided) => void) | undefined;
}

/** What is told once the transaction is committed. */
type Outward = Decided & { context: EffectContext };

export interface DecideOptions<K> {
  /** The attempt the event speaks of; default the task's open one. */
  attemptId?: AttemptId | undefined;
  /** Refuses by throwing, or reads what the event needs, under the lock. */
  prepare?: (tx: Executor, loaded: Loaded) => Promise<Partial<K> | undefined>;
  /** More rows of the same transaction, after the decision was saved. */
  also?: (tx: Executor, loaded: Loaded) => Promise<void>;
  /** Handed to the sink's `write`, for rows that need more than the effect names. */
  extra?: unknown;
}

/** How deep a decision may make another one: the holder of a workspace learns of a state, and that is all. */
const DEEPEST = 4;

/**
 * The one way from an event to the database: lock workspace, task, attempt; step; save; effects' rows; commit; tell. Nothing
 * outside this file writes a column that the life cycle decides about.
 */
export function createDecider({ db, figures, sink, observe }: DeciderDeps) {
  function tell(outward: readonly Outward[]): void {
    for (const { context, ...decided } of outward) {
      sink.tell(decided.effects, context);
      observe?.(decided);
    }
  }

  async function decide<K extends TaskEventKind>(
    taskId: TaskId,
    event: TaskEvent<K>,
    options: DecideOptions<TaskEvent<K>> = {},
  ): Promise<AnswerTo<K>> {
    const outward: Outward[] = [];
    const answer = await transaction(db, async (tx) => {
      outward.length = 0;
      return decideWithin(tx, taskId, event, options, outward, 0);
    });
    tell(outward);
    return answer;
  }

  async function decideWithin<K extends TaskEventKind>(
    tx: Executor,
    taskId: TaskId,
    given: TaskEvent<K>,
    options: DecideOptions<TaskEvent<K>>,
    outward: Outward[],
    depth: number,
  ): Promise<AnswerTo<K>> {
    const loaded = await loadAggregate(tx, taskId, options.attemptId);
    if (loaded === undefined) throw new AppError('not_found', `There is no task ${taskId}.`);
    const event = { ...given, ...(await options.prepare?.(tx, loaded)) } as TaskEvent<K>;
    const decision = step(loaded.aggregate, event, loaded.now, figures);
    if (decision.refused) throw refused(decision);
    const { aggregate } = decision;
    const context = {
      organizationId: loaded.organizationId,
      workspaceId: aggregate.workspace.id,
      taskId,
      attemptId: aggregate.attempt?.id,
    };
    const task = { event: event.kind, before: loaded.aggregate, after: aggregate, createdAt: loaded.createdAt };
    // Asked for together, carried out in this order.
    await Promise.all([
      aggregate === loaded.aggregate
        ? undefined
        : saveAggregate(tx, loaded.aggregate, aggregate, loaded.organizationId),
      options.also?.(tx, { ...loaded, aggregate }),
      write(tx, { effects: decision.effects, task, context }, options.extra, outward, depth),
    ]);
    return decision.answer;
  }

  async function write(
    tx: Executor,
    decided: Outward,
    extra: unknown,
    outward: Outward[],
    depth: number,
  ): Promise<void> {
    const { effects, context } = decided;
    const holders = effects.filter((effect) => effect.kind === 'tell_holder');
    const rows = effects.filter((effect) => effect.kind !== 'tell_holder');
    await Promise.all(rows.map((effect) => sink.write(tx, effect, context, extra)));
    for (const { taskId, event } of holders) {
      if (depth >= DEEPEST) throw new Error(`Decisions about task ${taskId} lead to each other without end.`);
      await decideWithin(tx, taskId, event, {}, outward, depth + 1);
    }
    outward.push(decided);
  }

  /** As `decide`, for what concerns a workspace whatever its tasks do. */
  async function decideWorkspace<K extends WorkspaceEventKind>(
    workspaceId: WorkspaceId,
    event: WorkspaceEvent<K>,
    options: { extra?: unknown; also?: (tx: Executor, before: Workspace, after: Workspace) => Promise<void> } = {},
  ): Promise<AnswerTo<K>> {
    const outward: Outward[] = [];
    const answer = await transaction(db, async (tx) => {
      outward.length = 0;
      const loaded = await lockWorkspace(tx, workspaceId);
      if (loaded === undefined) throw new AppError('not_found', `There is no workspace ${workspaceId}.`);
      const decision = stepWorkspace(loaded.workspace, event, loaded.now, figures);
      if (decision.refused) throw refused(decision);
      const context = { organizationId: loaded.organizationId, workspaceId, taskId: undefined, attemptId: undefined };
      await Promise.all([
        saveWorkspace(tx, loaded.workspace, decision.workspace),
        options.also?.(tx, loaded.workspace, decision.workspace),
        write(tx, { effects: decision.effects, context }, options.extra, outward, 0),
      ]);
      return decision.answer;
    });
    tell(outward);
    return answer;
  }

  return { decide, decideWorkspace };
}
export type Decider = ReturnType<typeof createDecider>;

const refused = (refusal: Refusal): AppError =>
  new AppError(REFUSAL_CODES[refusal.code], refusal.sentence, { reason: refusal.code, present: refusal.present });
