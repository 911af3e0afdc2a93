import { isTerminal } from '@groundcrew/protocol';
import type { Attempt, Task } from './aggregate.ts';
import { nextDeadline } from './deadlines.ts';
import { findApproval, holdsPermit, mayApply, sameState } from './rules.ts';
import { findAggregate, type World } from './world.ts';

/** What must be true of every world. `broken` names what is wrong, or gives nothing. */
export interface Invariant {
  readonly name: string;
  readonly broken: (world: World) => string | undefined;
}

export const taskOf = (world: World, attempt: Attempt): Task | undefined =>
  world.tasks.find((task) => task.id === attempt.taskId);
const openOf = (world: World, task: Task): Attempt[] =>
  world.attempts.filter((a) => a.taskId === task.id && a.state !== 'ended');
export const each = <T>(things: readonly T[], broken: (thing: T) => string | undefined): string | undefined => {
  for (const thing of things) {
    const found = broken(thing);
    if (found) return found;
  }
  return undefined;
};
export const unless = (fine: boolean, broken: string): string | undefined => (fine ? undefined : broken);

export const INVARIANTS: readonly Invariant[] = [
  {
    name: 'at most one permit is live on a workspace, and the fence knows whose',
    broken: ({ workspace, attempts }) => {
      const holders = attempts.filter(holdsPermit).map((attempt) => attempt.id);
      return unless(
        holders.length <= 1 && (holders[0] ?? null) === workspace.permit,
        `permits of ${holders}, fence says ${workspace.permit}`,
      );
    },
  },
  {
    name: 'the attempt with the permit is the one that may write the state',
    broken: ({ workspace, attempts }) =>
      each(attempts.filter(holdsPermit), (a) =>
        unless(a.epoch === workspace.holderEpoch, `${a.id} has epoch ${a.epoch}, holder is ${workspace.holderEpoch}`),
      ),
  },
  {
    name: 'no apply without a matching approval',
    broken: (world) =>
      each(world.attempts.filter(holdsPermit), (attempt) => {
        const task = taskOf(world, attempt);
        return unless(
          task !== undefined && findApproval(task) !== undefined,
          `${attempt.id} has a permit without approval`,
        );
      }),
  },
  {
    name: 'the hold belongs to a task that may apply and has not ended, and only the holder is under way',
    broken: ({ workspace, tasks }) =>
      each(tasks, (task) => {
        const holds = workspace.hold === task.id;
        if (holds)
          return unless(mayApply(task) && !isTerminal(task.status), `${task.id} (${task.status}) holds the workspace`);
        return unless(
          !mayApply(task) || task.attempts === 0 || isTerminal(task.status),
          `${task.id} (${task.status}) lost its hold`,
        );
      }),
  },
  {
    name: 'no ended apply lacks its last state unless a person closed it',
    broken: ({ attempts }) =>
      each(attempts, (a) => {
        if (a.state !== 'ended' || a.permit !== 'used' || a.outcome === 'closed') return undefined;
        const last = a.finish?.lastState;
        const stored = a.states.some(
          (s) => s.standing !== 'quarantined' && s.standing !== 'superseded' && s.checksum === last?.checksum,
        );
        return unless(a.finish !== null && (!last || stored), `${a.id} ended ${a.outcome} without its state`);
      }),
  },
  {
    name: 'a task has at most the one open attempt it names, and none once it has ended',
    broken: (world) =>
      each(world.tasks, (task) => {
        const open = openOf(world, task).map((a) => a.id);
        const named = task.attemptId === null ? [] : [task.attemptId];
        return unless(
          open.join() === named.join() && (!isTerminal(task.status) || open.length === 0),
          `${task.id} (${task.status}) names ${named}, open are ${open}`,
        );
      }),
  },
  {
    name: 'status and attempt fit together',
    broken: (world) =>
      each(world.tasks, (task) =>
        unless(
          fits(task, openOf(world, task)[0]),
          `${task.id} is ${task.status} with ${openOf(world, task)[0]?.state}`,
        ),
      ),
  },
  {
    name: 'epochs are handed out once, and the holder has one of them',
    broken: ({ workspace, attempts }) => {
      const epochs = new Set(attempts.map((a) => a.epoch));
      const inRange =
        attempts.every((a) => a.epoch <= workspace.epochCounter) && workspace.holderEpoch <= workspace.epochCounter;
      return unless(
        epochs.size === attempts.length && inRange,
        `epochs ${[...epochs]}, counter ${workspace.epochCounter}, holder ${workspace.holderEpoch}`,
      );
    },
  },
  {
    name: 'no silence lasts for ever: what waits for a far side has a deadline',
    broken: (world) =>
      each(world.tasks, (task) => {
        const aggregate = findAggregate(world, { taskId: task.id });
        const waits = task.status === 'running' || (task.status === 'pending' && task.attemptId !== null);
        return unless(
          !waits || (aggregate !== undefined && nextDeadline(aggregate) !== null),
          `${task.id} is ${task.status} without a deadline`,
        );
      }),
  },
  {
    name: 'whoever waits with a plan waits for its present form',
    broken: ({ workspace, tasks }) =>
      each(tasks, (task) => {
        const waits =
          task.status === 'awaiting_approval' ||
          (task.status === 'pending' && task.phase === 'apply' && task.attemptId === null);
        return unless(
          !waits || (task.plan !== null && sameState(task.plan.madeFrom, workspace.state)),
          `${task.id} waits with a stale plan`,
        );
      }),
  },
  {
    name: 'a cancelled level above 0 never waits in the queue',
    broken: ({ tasks }) =>
      each(tasks, (t) =>
        unless(
          t.cancelLevel === 0 || (t.status !== 'pending' && t.status !== 'awaiting_approval'),
          `${t.id} is ${t.status} though cancelled`,
        ),
      ),
  },
];

function fits(task: Task, open: Attempt | undefined): boolean {
  switch (task.status) {
    case 'pending':
      return open === undefined ? task.phase === 'plan' || findApproval(task) !== undefined : open.state === 'offered';
    case 'running':
      return open?.state === 'running' || open?.state === 'exited';
    case 'awaiting_approval':
      return open === undefined && task.plan !== null && findApproval(task) === undefined;
    case 'needs_attention':
      return open?.state !== 'offered';
    default:
      return open === undefined && task.completedAt !== null;
  }
}
