import type { TaskId } from '@groundcrew/protocol';
import { outageShift, START_FIGURES } from '@groundcrew/server/lifecycle';
import { nextDeadlineOf, shiftDeadlines } from '@groundcrew/server/lifecycle/deadlines';
import { type World as Fence, findAggregate } from '@groundcrew/server/lifecycle/world';
import type { World } from '../world.ts';
import type { Database } from './database.ts';
import { ServerRefusal } from './refusal.ts';

/** The lease keeper: says that the server lives, moves deadlines after an outage, applies those that have passed. */
export function createKeeper(database: Database, world: World) {
  const { loop, trace, bugs } = world;
  const figures = START_FIGURES;
  /** When the last outage ended that was long enough to count, as somebody outside of the server knows it. */
  let backAt = Number.NEGATIVE_INFINITY;

  const shift = () => outageShift(0, loop.now() - database.tables.aliveAt, figures);

  function keepAlive(): void {
    const byMs = database.tables.aliveAt === 0 ? 0 : shift();
    if (byMs > 0) {
      backAt = loop.now();
      trace.note('server', `nobody kept the leases; every deadline is moved by ${byMs} ms`);
      if (!bugs.keepsDeadlines)
        for (const fence of database.tables.fences.values()) database.save(shiftFence(fence, byMs));
    }
    database.tables.aliveAt = loop.now();
  }

  function sweep(): void {
    for (const fence of database.tables.fences.values()) for (const { id } of fence.tasks) look(fence, id);
  }

  function look(fence: Fence, taskId: TaskId): void {
    const aggregate = findAggregate(fence, { taskId });
    const deadline = aggregate && nextDeadlineOf(aggregate);
    // Somebody may have stood still between looking and deciding: then the deadlines have to be moved first.
    if (deadline === undefined || deadline.at > loop.now() || shift() > 0) return;
    if (deadline.rule === 'silence' && loop.now() - backAt < figures.keeperGraceMs)
      world.violate(`${taskId} was given up for a silence that nobody could have heard: the server had been away`);
    tick(taskId);
  }

  function tick(taskId: TaskId): void {
    try {
      database.decide(taskId, { kind: 'tick' });
    } catch (error) {
      if (!(error instanceof ServerRefusal)) throw error;
    }
  }

  return { keepAlive, sweep };
}

function shiftFence(fence: Fence, byMs: number): Fence {
  let { tasks, attempts } = fence;
  for (const { id } of fence.tasks) {
    const aggregate = findAggregate(fence, { taskId: id });
    // As the server's SQL has it: a task without a deadline keeps its plan's life.
    if (aggregate === undefined || nextDeadlineOf(aggregate) === undefined) continue;
    const { task } = shiftDeadlines(aggregate, byMs);
    tasks = tasks.map((known) => (known.id === id ? task : known));
  }
  attempts = attempts.map((attempt) => {
    const task = fence.tasks.find(({ id }) => id === attempt.taskId);
    const aggregate = task && { workspace: fence.workspace, task, attempt };
    return (aggregate && shiftDeadlines(aggregate, byMs).attempt) ?? attempt;
  });
  return { ...fence, tasks, attempts };
}
