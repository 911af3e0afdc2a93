import type { AttemptId, TaskId } from '@groundcrew/protocol';
import type { Aggregate, Attempt, Instant, Task, Workspace } from './aggregate.ts';
import type { Decision, Refusal } from './change.ts';
import type { Effect } from './effects.ts';
import type { AnswerTo, TaskEvent, TaskEventKind, WorkspaceEvent, WorkspaceEventKind } from './events.ts';
import type { Figures } from './figures.ts';
import { step, stepWorkspace } from './step.ts';
import type { WorkspaceDecision } from './step-workspace.ts';

/** One workspace with everything that ever happened on it: what the database holds, for tests, model and simulation. */
export interface World {
  readonly workspace: Workspace;
  readonly tasks: readonly Task[];
  readonly attempts: readonly Attempt[];
}

/** Where a world went, and what its caller is told. */
export interface Moved<R> {
  readonly world: World;
  readonly result: R;
  readonly effects: readonly Effect[];
}

/** Names the task of an event, and the attempt if it is not the open one. */
export interface Target {
  readonly taskId: TaskId;
  readonly attemptId?: AttemptId;
}

/** Reads the aggregate of a task; undefined when there is no such task. */
export function findAggregate(
  { workspace, tasks, attempts }: World,
  { taskId, attemptId }: Target,
): Aggregate | undefined {
  const task = tasks.find((t) => t.id === taskId);
  const wanted = attemptId ?? task?.attemptId;
  return task && { workspace, task, attempt: attempts.find((a) => a.id === wanted && a.taskId === taskId) };
}

/** Takes one event as the server does: step, save, then step the holder with what it must learn. Undefined when there is no such task. */
export function stepTask<K extends TaskEventKind>(
  world: World,
  target: Target,
  event: TaskEvent<K>,
  now: Instant,
  figures?: Figures,
): Moved<Decision<AnswerTo<K>> | Refusal> | undefined {
  const aggregate = findAggregate(world, target);
  if (!aggregate) return undefined;
  const result = step(aggregate, event, now, figures);
  if (result.refused) return { world, result, effects: [] };
  const told = tellHolder(save(world, result.aggregate), result.effects, now, figures);
  return { ...told, result };
}

/** As {@link stepTask}, for an event of the workspace. */
export function stepFence<K extends WorkspaceEventKind>(
  world: World,
  event: WorkspaceEvent<K>,
  now: Instant,
  figures?: Figures,
): Moved<WorkspaceDecision<AnswerTo<K>> | Refusal> {
  const result = stepWorkspace(world.workspace, event, now, figures);
  if (result.refused) return { world, result, effects: [] };
  return { ...tellHolder({ ...world, workspace: result.workspace }, result.effects, now, figures), result };
}

function tellHolder(
  world: World,
  effects: readonly Effect[],
  now: Instant,
  figures?: Figures,
): Pick<Moved<never>, 'world' | 'effects'> {
  let told: Pick<Moved<never>, 'world' | 'effects'> = { world, effects };
  for (const effect of effects) {
    if (effect.kind !== 'tell_holder') continue;
    const moved = stepTask(told.world, { taskId: effect.taskId }, effect.event, now, figures);
    if (moved) told = { world: moved.world, effects: [...told.effects, ...moved.effects] };
  }
  return told;
}

function save(world: World, { workspace, task, attempt }: Aggregate): World {
  const known = world.attempts.some((a) => a.id === attempt?.id);
  const attempts = world.attempts.map((a) => (a.id === attempt?.id ? attempt : a));
  return {
    workspace,
    tasks: world.tasks.map((t) => (t.id === task.id ? task : t)),
    attempts: attempt && !known ? [...attempts, attempt] : attempts,
  };
}
