import type { AttemptId, TaskId } from '@groundcrew/protocol';
import type { Figures, TaskEvent, WorkspaceEvent } from '@groundcrew/server/lifecycle';
import { MOVE_INVARIANTS } from '@groundcrew/server/lifecycle/move-invariants';
import { stepFence, stepTask, type World } from '@groundcrew/server/lifecycle/world';
import type { Bounds, Disturbance } from './bounds.ts';
import { type Folder, nameOf } from './folder.ts';
import { NOW, type System } from './system.ts';

/** Who makes a move happen: what the far side may withhold for ever is told apart from what always comes. */
export type Way =
  | 'server'
  /** A deadline passes that no word of the far side holds up. */
  | 'time'
  /** A deadline passes for want of a renewal. */
  | 'silence'
  | 'people'
  | 'renew'
  | 'far';

/** Takes a move: by whom, what, about whom, and where it leads. `broken` names a property that the move itself violates. */
export type Emit = (way: Way, what: string, whom: string, next: System, broken: string | undefined) => void;

/** What the server said to a task's event. */
interface Said {
  readonly world: World;
  /** Undefined when it refused. */
  readonly answer: unknown;
  readonly code: string | undefined;
  readonly broken: string | undefined;
}

/** One system and everything that may happen to it next. Actors are functions of it. */
export class Turn {
  readonly system: System;
  readonly bounds: Bounds;
  readonly #figures: Figures;
  readonly #emit: Emit;
  /** Events the server was given, whether or not they changed anything. */
  events = 0;

  constructor(system: System, bounds: Bounds, figures: Figures, emit: Emit) {
    this.system = system;
    this.bounds = bounds;
    this.#figures = figures;
    this.#emit = emit;
  }

  /** A move of the far side alone, or of the whole system. */
  go(way: Way, what: string, whom: string, patch: Partial<System>, broken?: string): void {
    this.#emit(way, what, whom, { ...this.system, ...patch }, broken);
  }

  /** True when one more disturbance of this kind is within the bounds. */
  may(kind: Disturbance): boolean {
    return this.system.left > 0 && this.bounds.kinds.includes(kind);
  }

  /** As {@link go}, using up one disturbance. */
  disturb(what: string, whom: string, patch: Partial<System>, way: Way = 'far'): void {
    this.go(way, what, whom, { ...patch, left: this.system.left - 1 });
  }

  /** A move of one far side. */
  move(what: string, folder: Folder, patch: Partial<Folder>): void {
    this.go('far', what, nameOf(folder), { folders: this.foldersWith(folder, patch) });
  }

  foldersWith(folder: Folder, patch: Partial<Folder>): Folder[] {
    return this.system.folders.map((other) => (other === folder ? { ...folder, ...patch } : other));
  }

  /** Hands the server an event and gives what it made of it, without making a move. */
  ask(world: World, taskId: TaskId, attemptId: AttemptId | undefined, event: TaskEvent): Said {
    this.events += 1;
    try {
      const target = attemptId === undefined ? { taskId } : { taskId, attemptId };
      const moved = stepTask(world, target, event, NOW, this.#figures);
      if (!moved) return { world, answer: undefined, code: 'not_found', broken: undefined };
      if (moved.result.refused) return { world, answer: undefined, code: moved.result.code, broken: undefined };
      return {
        world: moved.world,
        answer: moved.result.answer,
        code: undefined,
        broken: findBroken(world, moved.world),
      };
    } catch (error) {
      return {
        world,
        answer: undefined,
        code: undefined,
        broken: `${event.kind} is answered by an exception: ${error}`,
      };
    }
  }

  /** An order to a task. */
  order(way: Way, what: string, taskId: TaskId, event: TaskEvent): void {
    const { world, broken } = this.ask(this.system.world, taskId, undefined, event);
    if (broken !== undefined || hasChanged(this.system.world, world)) this.go(way, what, taskId, { world }, broken);
  }

  /** An order that must change nothing. */
  forbidden(what: string, taskId: TaskId, event: TaskEvent): void {
    const { world, broken } = this.ask(this.system.world, taskId, undefined, event);
    if (broken !== undefined || hasChanged(this.system.world, world))
      this.go(
        'people',
        what,
        taskId,
        { world },
        broken ?? `what only a person may ask for is taken from nobody else: ${event.kind} was taken`,
      );
  }

  /** Something done to the workspace; gives the patch for {@link go}, undefined when nothing came of it. */
  fence(event: WorkspaceEvent): { world: World; broken: string | undefined } | undefined {
    this.events += 1;
    const { world } = this.system;
    try {
      const moved = stepFence(world, event, NOW, this.#figures);
      return hasChanged(world, moved.world)
        ? { world: moved.world, broken: findBroken(world, moved.world) }
        : undefined;
    } catch (error) {
      return { world, broken: `${event.kind} is answered by an exception: ${error}` };
    }
  }
}

/** The server saves a new object whenever it was asked; only other parts make it another world. */
function hasChanged(before: World, after: World): boolean {
  if (before === after) return false;
  return (
    before.workspace !== after.workspace ||
    before.attempts.length !== after.attempts.length ||
    before.tasks.some((task, index) => task !== after.tasks[index]) ||
    before.attempts.some((attempt, index) => attempt !== after.attempts[index])
  );
}

function findBroken(before: World, after: World): string | undefined {
  if (!hasChanged(before, after)) return undefined;
  for (const { name, broken } of MOVE_INVARIANTS) {
    const found = broken(before, after);
    if (found !== undefined) return `${name}: ${found}`;
  }
  return undefined;
}
