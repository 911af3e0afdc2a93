import { isTerminal } from '@groundcrew/protocol';
import type { Attempt, StateRef, Task } from './aggregate.ts';
import { each, INVARIANTS, taskOf, unless } from './invariants.ts';
import { findApproval, sameState } from './rules.ts';
import type { World } from './world.ts';

/** What must be true of every move from one world to the next. */
export interface MoveInvariant {
  readonly name: string;
  readonly broken: (before: World, after: World) => string | undefined;
}

/** The attempts that are in both worlds. */
const pairs = (before: World, after: World): [Attempt, Attempt][] =>
  before.attempts.flatMap((a) => after.attempts.filter((b) => b.id === a.id).map((b): [Attempt, Attempt] => [a, b]));
const taskPairs = (before: World, after: World): [Task, Task][] =>
  before.tasks.flatMap((a) => after.tasks.filter((b) => b.id === a.id).map((b): [Task, Task] => [a, b]));
const eachPair = <T>(things: readonly [T, T][], broken: (a: T, b: T) => string | undefined): string | undefined =>
  each(things, ([a, b]) => broken(a, b));
const nameState = (state: StateRef | null): string => (state ? `${state.lineage}#${state.serial}` : 'none');
const gotPermit = (a: Attempt, b: Attempt): boolean => a.permit === 'none' && b.permit === 'live';

export const MOVE_INVARIANTS: readonly MoveInvariant[] = [
  {
    name: 'an ended task stays as it ended',
    broken: (before, after) =>
      eachPair(taskPairs(before, after), (a, b) =>
        unless(
          !isTerminal(a.status) ||
            (a.status === b.status &&
              a.completedAt === b.completedAt &&
              a.reason?.code === b.reason?.code &&
              a.attempts === b.attempts),
          `${a.id}: ${a.status} became ${b.status}`,
        ),
      ),
  },
  {
    name: 'nothing ends twice',
    broken: (before, after) =>
      eachPair(pairs(before, after), (a, b) =>
        unless(
          a.state !== 'ended' ||
            (b.state === 'ended' && a.outcome === b.outcome && a.endedAt === b.endedAt && a.permit === b.permit),
          `${a.id} ended ${a.outcome}, then ${b.outcome}`,
        ),
      ),
  },
  {
    name: 'an attempt goes one way, and so does its permit',
    broken: (before, after) => {
      const states = ['offered', 'running', 'exited', 'ended'];
      const permits = ['none', 'live', 'used', 'withdrawn'];
      return eachPair(pairs(before, after), (a, b) =>
        unless(
          states.indexOf(a.state) <= states.indexOf(b.state) &&
            permits.indexOf(a.permit) <= permits.indexOf(b.permit) &&
            !(a.permit === 'used' && b.permit === 'withdrawn'),
          `${a.id}: ${a.state}/${a.permit} became ${b.state}/${b.permit}`,
        ),
      );
    },
  },
  {
    name: "a task's cancel level only rises",
    broken: (before, after) =>
      eachPair(taskPairs(before, after), (a, b) =>
        unless(a.cancelLevel <= b.cancelLevel, `${a.id}: ${a.cancelLevel} became ${b.cancelLevel}`),
      ),
  },
  {
    name: 'a permit is given only without cancel and lock, to the holder of an approval made from the present state',
    broken: (before, after) =>
      eachPair(pairs(before, after), (a, b) => {
        if (!gotPermit(a, b)) return undefined;
        const task = taskOf(before, a);
        const { workspace } = before;
        const fine =
          task &&
          task.cancelLevel === 0 &&
          task.status === 'running' &&
          !workspace.lock &&
          workspace.hold === task.id &&
          workspace.permit === null;
        return unless(
          Boolean(fine && findApproval(task) && sameState(task.plan?.madeFrom ?? null, workspace.state)),
          `${a.id} got a permit it should not have`,
        );
      }),
  },
  {
    name: 'cancelled tasks never begin to apply',
    broken: (before, after) =>
      eachPair(pairs(before, after), (a, b) =>
        unless(
          !(a.permit === 'live' && b.permit === 'used') || taskOf(before, a)?.cancelLevel === 0,
          `${a.id} began to apply after a cancel`,
        ),
      ),
  },
  {
    name: 'a used permit makes room for another only by an exit with its state, or by a person',
    broken: (before, after) =>
      eachPair(pairs(before, after), (a, b) =>
        unless(
          !(a.permit === 'used' && a.state !== 'ended' && b.state === 'ended') ||
            b.outcome === 'closed' ||
            b.finish !== null,
          `${a.id} ended ${b.outcome} with a used permit and no exit`,
        ),
      ),
  },
  {
    name: 'the holder epoch changes only with a permit or a close',
    broken: (before, after) => {
      if (before.workspace.holderEpoch === after.workspace.holderEpoch) return undefined;
      const granted = pairs(before, after).some(([a, b]) => gotPermit(a, b) && b.epoch === after.workspace.holderEpoch);
      const closed = taskPairs(before, after).some(([a, b]) => a.status !== b.status && b.reason?.code === 'closed');
      return unless(granted || closed, `holder epoch became ${after.workspace.holderEpoch} by itself`);
    },
  },
  {
    name: 'no state becomes current from an old epoch, an ended attempt or an unused permit',
    broken: (before, after) =>
      eachPair(pairs(before, after), (a, b) => {
        const fresh = b.states.slice(a.states.length).filter((state) => state.standing === 'current');
        const may = a.permit === 'used' && a.state !== 'ended' && a.epoch === before.workspace.holderEpoch;
        return unless(fresh.length === 0 || may, `${a.id} (${a.state}, permit ${a.permit}) moved the state`);
      }),
  },
  {
    name: 'never an older serial over a newer one',
    broken: ({ workspace: { state: a } }, { workspace: { state: b } }) =>
      unless(
        a === b || (b !== null && (a === null || a.lineage !== b.lineage || a.serial < b.serial)),
        `${nameState(a)} became ${nameState(b)}`,
      ),
  },
  {
    name: 'no state that was taken is ever dropped',
    broken: (before, after) =>
      eachPair(pairs(before, after), (a, b) =>
        unless(
          a.states.every((state) => b.states.some((other) => other.id === state.id)),
          `${a.id} lost a state`,
        ),
      ),
  },
  {
    name: 'while a permit is live nobody else moves the state',
    broken: (before, after) => {
      const { permit, state } = before.workspace;
      if (permit === null || after.workspace.state === state) return undefined;
      const from = after.attempts.find((a) => a.id === permit);
      return unless(
        from?.states.some((s) => s.id === after.workspace.state?.id) ?? false,
        `the state moved under the permit of ${permit}`,
      );
    },
  },
];

/** Everything that is wrong with a world that came from another. */
export function findViolations(before: World, after: World): string[] {
  const here = INVARIANTS.map(({ name, broken }) => ({ name, what: broken(after) }));
  const moves = MOVE_INVARIANTS.map(({ name, broken }) => ({ name, what: broken(before, after) }));
  return [...here, ...moves].filter(({ what }) => what !== undefined).map(({ name, what }) => `${name}: ${what}`);
}
