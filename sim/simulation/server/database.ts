import type { AttemptId, StateVersionId, TaskId, WorkspaceId } from '@groundcrew/protocol';
import {
  type AnswerTo,
  type Effect,
  REFUSAL_CODES,
  START_FIGURES,
  type TaskEvent,
  type TaskEventKind,
  type WorkspaceEvent,
  type WorkspaceEventKind,
} from '@groundcrew/server/lifecycle';
import { findViolations } from '@groundcrew/server/lifecycle/move-invariants';
import { type World as Fence, stepFence, stepTask } from '@groundcrew/server/lifecycle/world';
import type { World } from '../world.ts';
import { ServerRefusal } from './refusal.ts';
import { copyTables, emptyTables, type Tables } from './tables.ts';

/**
 * The database as the server knows it: a transaction is there as a whole or not at all, what was committed outlives the
 * server, and what was not dies with it. Every decision goes the product's way: `step`, save, then what the holder must learn.
 */
export interface Database {
  readonly tables: Tables;
  /** Decides about a task. @throws ServerRefusal */
  decide<K extends TaskEventKind>(taskId: TaskId, event: TaskEvent<K>, attemptId?: AttemptId): AnswerTo<K>;
  decideWorkspace<K extends WorkspaceEventKind>(workspaceId: WorkspaceId, event: WorkspaceEvent<K>): AnswerTo<K>;
  fenceOf(taskId: TaskId): Fence;
  /** Puts a workspace's rows in place as they are; what a transaction of the lease keeper does. */
  save(fence: Fence): void;
  /** Bytes of a state on their way into a decision. */
  keepState(id: StateVersionId, bytes: Buffer): void;
  /** Told of the effects of what was committed. */
  onEffects(listener: (effects: readonly Effect[]) => void): void;
  /** The server died: what it had not committed is gone. */
  crash(): void;
}

/** What a commit takes when the server does not wait for it. */
const LATE_COMMIT_MS = 5_000;

export function createDatabase(world: World): Database {
  const { loop, trace } = world;
  let tables = emptyTables();
  let committed = tables;
  let listener: (effects: readonly Effect[]) => void = () => {};

  function fenceOf(taskId: TaskId): Fence {
    const row = tables.tasks.get(taskId);
    const fence = row && tables.fences.get(row.workspaceId);
    if (fence === undefined) throw new ServerRefusal('not_found', `There is no task ${taskId}.`);
    return fence;
  }

  function commit(before: Fence, after: Fence, effects: readonly Effect[]): void {
    for (const sentence of findViolations(before, after)) world.violate(`invariant: ${sentence}`);
    tables.fences.set(after.workspace.id, after);
    for (const effect of effects) {
      const sentence = describeEffect(effect);
      if (sentence !== undefined) trace.note('server', sentence);
      if (effect.kind === 'count_silent_offer') countSilence(effect.agentId);
    }
    listener(effects);
  }

  function countSilence(id: Parameters<Tables['agents']['get']>[0]): void {
    const row = tables.agents.get(id);
    if (row) tables.agents.set(id, { ...row, silentOffers: row.silentOffers + 1 });
  }

  /** The planted bug: answers go out first, and the disk has them a little later. */
  function commitLater(): void {
    const snapshot = () => {
      committed = copyTables(tables);
      loop.after(LATE_COMMIT_MS, snapshot);
    };
    loop.after(LATE_COMMIT_MS, snapshot);
  }
  if (world.bugs.answersBeforeCommit) commitLater();

  return {
    get tables() {
      return tables;
    },
    decide(taskId, event, attemptId) {
      const before = fenceOf(taskId);
      const moved = stepTask(before, { taskId, ...(attemptId ? { attemptId } : {}) }, event, loop.now(), START_FIGURES);
      if (moved === undefined) throw new ServerRefusal('not_found', `There is no task ${taskId}.`);
      const { result } = moved;
      if (result.refused)
        throw new ServerRefusal(REFUSAL_CODES[result.code], result.sentence, {
          reason: result.code,
          present: result.present,
        });
      commit(before, moved.world, moved.effects);
      return result.answer;
    },
    decideWorkspace(workspaceId, event) {
      const before = tables.fences.get(workspaceId);
      if (before === undefined) throw new ServerRefusal('not_found', `There is no workspace ${workspaceId}.`);
      const moved = stepFence(before, event, loop.now(), START_FIGURES);
      const { result } = moved;
      if (result.refused) throw new ServerRefusal(REFUSAL_CODES[result.code], result.sentence);
      commit(before, moved.world, moved.effects);
      return result.answer;
    },
    fenceOf,
    save: (fence) => void tables.fences.set(fence.workspace.id, fence),
    keepState: (id, bytes) => void tables.states.set(id, bytes),
    onEffects(told) {
      listener = told;
    },
    crash() {
      if (world.bugs.answersBeforeCommit) tables = copyTables(committed);
    },
  };
}

function describeEffect(effect: Effect): string | undefined {
  if (effect.kind === 'record') return effect.sentence;
  if (effect.kind === 'alert') return `alert: ${effect.sentence}`;
  return effect.kind === 'task_ended' ? `a task ended: ${effect.status}` : undefined;
}
