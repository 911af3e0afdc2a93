import type { Attempt, Task } from '@groundcrew/server/lifecycle';
import { shiftDeadlines } from '@groundcrew/server/lifecycle/deadlines';
import { findAggregate, type World } from '@groundcrew/server/lifecycle/world';
import { NOW, orderedTask } from '../system.ts';
import type { Turn, Way } from '../turn.ts';

/** The server's own clockwork: deadlines that pass, leases that lapse, restarts, backups that are restored. */
export function keeper(turn: Turn): void {
  const { world } = turn.system;
  for (const task of world.tasks) {
    const attempt = world.attempts.find(({ id }) => id === task.attemptId);
    if (attempt) attemptDeadlines(turn, task, attempt);
    else if (task.plan && task.plan.expiresAt > NOW)
      pass(turn, 'time', 'plan expires', task, {
        ...world,
        tasks: swap(world.tasks, task, { ...task, plan: { ...task.plan, expiresAt: NOW } }),
      });
  }
  restart(turn);
  orderLate(turn);
  restore(turn);
}

const DEADLINES = [
  ['offerExpiresAt', 'time', 'offer expires'],
  ['giveUpAt', 'silence', 'silence is given up'],
  ['timeoutAt', 'time', 'time is up'],
  ['stopBy', 'time', 'no exit after the cancel'],
  ['settleBy', 'time', 'waiting for what is missing ends'],
] as const satisfies readonly (readonly [keyof Attempt, Way, string])[];

function attemptDeadlines(turn: Turn, task: Task, attempt: Attempt): void {
  for (const [column, way, what] of DEADLINES)
    if ((attempt[column] ?? NOW) > NOW)
      pass(turn, way, what, task, withAttempt(turn.system.world, attempt, { [column]: NOW }));
  // People are told, and may close; nothing else comes of it.
  if (attempt.permit === 'used' && attempt.state === 'running' && (attempt.leaseUntil ?? 0) > NOW)
    turn.go('silence', 'lease lapses', attempt.id, {
      world: withAttempt(turn.system.world, attempt, { leaseUntil: NOW - 1 }),
    });
}

/** The deadline passes and the sweeper comes by. One that means nothing just now passes as well later. */
function pass(turn: Turn, way: Way, what: string, task: Task, due: World): void {
  const { world, broken } = turn.ask(due, task.id, undefined, { kind: 'tick' });
  const meant = world.tasks.some((other, index) => other !== due.tasks[index]);
  if (broken !== undefined || meant) turn.go(way, what, task.attemptId ?? task.id, { world }, broken);
}

const swap = <T>(things: readonly T[], old: T, fresh: T): T[] => things.map((thing) => (thing === old ? fresh : thing));
const withAttempt = (world: World, attempt: Attempt, patch: Partial<Attempt>): World => ({
  ...world,
  attempts: swap(world.attempts, attempt, { ...attempt, ...patch }),
});

/** The server was away: whatever had passed is moved into the future again before anything expires. Answers were lost anyway. */
function restart(turn: Turn): void {
  let { world } = turn.system;
  if (!world.attempts.some(hasPassed)) return;
  for (const { id } of world.tasks) {
    const aggregate = findAggregate(world, { taskId: id });
    if (!aggregate?.attempt) continue;
    const { task, attempt } = shiftDeadlines(aggregate, 1_000);
    if (attempt)
      world = {
        ...world,
        tasks: swap(world.tasks, aggregate.task, task),
        attempts: swap(world.attempts, aggregate.attempt, attempt),
      };
  }
  turn.go('server', 'server restarts', 'server', { world });
}

const hasPassed = ({ state, leaseUntil, giveUpAt, settleBy, stopBy }: Attempt): boolean =>
  state !== 'ended' && [leaseUntil, giveUpAt, settleBy, stopBy].some((at) => at !== null && at <= NOW);

function orderLate(turn: Turn): void {
  const { bounds, system } = turn;
  const { tasks } = system.world;
  if (tasks.length === bounds.tasks.length) return;
  turn.go('server', 'a task is ordered', `task-${tasks.length + 1}`, {
    world: { ...system.world, tasks: [...tasks, orderedTask(bounds, tasks.length)] },
  });
}

/** The database is copied once, at any time, and may later be replaced by that copy. */
function restore(turn: Turn): void {
  const { system, bounds } = turn;
  if (!bounds.kinds.includes('restore')) return;
  if (system.left > 0) turn.disturb('database is backed up', 'server', { backup: system.world }, 'server');
  if (system.backup === null) return;
  let world = system.backup;
  let found: string | undefined;
  for (const { id } of system.backup.tasks) {
    const { broken, ...said } = turn.ask(world, id, undefined, { kind: 'restored' });
    world = said.world;
    found ??= broken;
  }
  turn.go('server', 'backup is restored', 'server', { world, backup: null, restored: true }, found);
}
