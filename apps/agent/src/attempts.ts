import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, isLocked, type Logger, newSecret, sha256Hex } from '@groundcrew/kit';
import {
  ATTEMPT_FOLDER,
  type AttemptId,
  type CancelLevel,
  type FromRunner,
  type RunnerTask,
  type RunTask,
  type TaskId,
} from '@groundcrew/protocol';
import type { Link } from './link.ts';
import {
  attachRunner,
  createRunnerFolder,
  findTask,
  freeUser,
  type RunnerProcess,
  type RunnerStart,
  type RunnerUser,
  readLastWords,
  removeFolder,
  startRunner,
  userOf,
  writeSecret,
  writeTask,
} from './runner-process.ts';
import { countFreeSlots, decideSlot, type HeldAttempt } from './slots.ts';

export interface AttemptsDeps {
  /** Folder that holds one folder per runner; its path must stay short, sockets live in it. */
  dir: string;
  start: RunnerStart;
  maxConcurrent: number;
  /** Warm runners kept waiting for the next offer. */
  spares: number;
  clock: Clock;
  logger: Logger;
  /** Name of a new folder; short and unguessable. */
  newName: () => string;
  /** Called when an attempt's folder is gone and its slot is free again. */
  onEnded: (held: HeldAttempt, message: (FromRunner & { type: 'ended' }) | undefined) => void;
}

/** A folder with a runner that waits in it, or is on its way. */
interface Spare {
  folder: string;
  user: RunnerUser;
  /** Resolves once the folder is there, before its runner is; rejects when it could not be made. */
  made: Promise<void>;
  /** Undefined when the runner did not come up. */
  runner: Promise<RunnerProcess | undefined>;
}

interface Held extends HeldAttempt {
  folder: string;
  runner: RunnerProcess | undefined;
  cancelLevel: CancelLevel;
}

/** Restarting a runner that dies again and again slows down to this. */
const RESTART_CAP_MS = 30_000;

/**
 * The attempts of this agent: their folders, their runners, the warm spares. An attempt is held from `task.json` until its
 * folder is removed, whatever dies in between; a runner that ends without having delivered everything is started again on its
 * folder and decides there what to do.
 */
export function createAttempts(deps: AttemptsDeps) {
  const held = new Map<AttemptId, Held>();
  const spares: Spare[] = [];
  /** Users by folder, until the folder is gone. */
  const uids = new Map<string, number>();
  const watched = new Map<TaskId, number | undefined>();
  let draining = false;
  let leaving = false;

  const usersInUse = (): number[] => [...uids.values()];

  async function forget(folder: string): Promise<void> {
    await removeFolder(folder);
    uids.delete(folder);
  }

  /** Takes over what an earlier agent left: living runners are attached, dead ones get a successor on their folder. */
  async function adopt(): Promise<HeldAttempt[]> {
    const names = await readdir(deps.dir).catch(() => []);
    await Promise.all(names.map(async (name) => adoptFolder(join(deps.dir, name))));
    return list();
  }

  async function adoptFolder(folder: string): Promise<void> {
    const task = await findTask(folder);
    if (task === undefined) return removeSpare(folder);
    const entry: Held = {
      attemptId: task.attempt_id,
      taskId: task.task_id,
      action: task.action,
      folder,
      runner: undefined,
      cancelLevel: 0,
    };
    held.set(entry.attemptId, entry);
    const user = await userOf(folder, deps.start);
    if (user !== undefined) uids.set(folder, user.uid);
    deps.logger.info({ attempt_id: entry.attemptId, task_id: entry.taskId }, 're-adopting an attempt');
    void keepRunning(entry);
  }

  /** A living spare of an earlier agent ends by itself when its agent is gone; its folder is garbage either way. */
  async function removeSpare(folder: string): Promise<void> {
    if (await isLocked(join(folder, ATTEMPT_FOLDER.lock)).catch(() => false)) {
      const runner = await attachRunner(folder, { ...deps, user: undefined });
      runner?.send({ type: 'leave' });
      await runner?.ended;
    }
    await forget(folder);
  }

  /** Keeps a runner on the attempt's folder until the server has confirmed everything. */
  async function keepRunning(entry: Held): Promise<void> {
    for (let losses = 0; !leaving; losses += 1) {
      if (losses > 0) await deps.clock.sleep(Math.min(RESTART_CAP_MS, 200 * 2 ** (losses - 1)));
      const runner = await openRunner(entry.folder);
      if (runner === undefined) continue;
      if (await followRunner(entry, runner)) return;
      if (!leaving)
        deps.logger.warn(
          { attempt_id: entry.attemptId },
          'the runner is gone without having delivered everything; starting another on its folder',
        );
    }
  }

  async function openRunner(folder: string): Promise<RunnerProcess | undefined> {
    const user = await userOf(folder, deps.start);
    const alive = await isLocked(join(folder, ATTEMPT_FOLDER.lock)).catch(() => false);
    if (alive) return attachRunner(folder, { ...deps, user });
    const { exited } = startRunner(folder, deps.start, user);
    return attachRunner(folder, { ...deps, user, exited });
  }

  /** Follows a runner to its end; true when it had delivered everything and the folder is gone. */
  async function followRunner(entry: Held, runner: RunnerProcess): Promise<boolean> {
    let last: (FromRunner & { type: 'ended' }) | undefined;
    entry.runner = runner;
    runner.onMessage((message) => {
      if (message.type === 'ended') last = message;
    });
    if (entry.cancelLevel > 0) runner.send({ type: 'cancel', level: entry.cancelLevel });
    if (watched.has(entry.taskId)) runner.send(watchedMessage(entry.taskId));
    await runner.ended;
    entry.runner = undefined;
    if (last === undefined) return false;
    await forget(entry.folder);
    held.delete(entry.attemptId);
    deps.onEnded(entry, last);
    return true;
  }

  const watchedMessage = (taskId: TaskId) =>
    ({ type: 'watched', watched: watched.has(taskId), ...intervalOf(watched.get(taskId)) }) as const;
  const intervalOf = (ms: number | undefined) => (ms === undefined ? {} : { log_interval_ms: ms });

  /** Starts spares up to their number while there is room for what they wait for. */
  function fillSpares(): void {
    const wanted =
      leaving || draining ? 0 : Math.min(deps.spares, countFreeSlots(list(), deps.maxConcurrent, draining));
    while (spares.length < wanted) spares.push(startSpare());
  }

  function startSpare(): Spare {
    const folder = join(deps.dir, deps.newName());
    const user = freeUser(usersInUse(), deps.start);
    if (user !== undefined) uids.set(folder, user.uid);
    const made = createRunnerFolder(folder, deps.start, user);
    const spare: Spare = { folder, user, made, runner: made.then(() => launch(folder, user)).catch(() => undefined) };
    void watchSpare(spare);
    return spare;
  }

  async function launch(folder: string, user: RunnerUser): Promise<RunnerProcess | undefined> {
    const { exited } = startRunner(folder, deps.start, user);
    const runner = await attachRunner(folder, { ...deps, user, exited });
    if (runner === undefined)
      deps.logger.error({ folder, said: await readLastWords(folder) }, 'a runner did not come up');
    return runner;
  }

  /** A spare whose runner is gone is none any more; one that was given an attempt is looked after with that. */
  async function watchSpare(spare: Spare): Promise<void> {
    await (await spare.runner)?.ended;
    const index = spares.indexOf(spare);
    if (index < 0 || leaving) return;
    spares.splice(index, 1);
    await forget(spare.folder);
  }

  /**
   * Takes an offer: the attempt's secret into a spare's folder, then `accept` with the secret's hash. It does not wait for a
   * runner that is still on its way, since an offer lasts seconds only. What the server has accepted is run; an accept without
   * an answer is asked again with the same secret until there is one.
   */
  async function take(order: RunTask, link: Link): Promise<void> {
    const attemptId = order.attempt.id;
    if (held.has(attemptId)) return;
    const slot = decideSlot(list(), deps.maxConcurrent, draining || leaving);
    if (!slot.take) return link.reject(order.task_id, attemptId, slot.reason);
    const spare = spares.shift() ?? startSpare();
    const entry: Held = { ...heldOf(order), folder: spare.folder, runner: undefined, cancelLevel: 0 };
    held.set(attemptId, entry);
    try {
      await spare.made;
    } catch (error) {
      deps.logger.error({ err: error }, 'the folder of an attempt could not be made');
      held.delete(attemptId);
      return link.reject(order.task_id, attemptId, 'the agent could not make a folder for it; see its log');
    }
    const secret = newSecret();
    writeSecret(spare.folder, secret, spare.user);
    const task = toRunnerTask(order, deps.clock.now());
    void spare.runner.then((runner) => runner?.send({ type: 'offered', task }));
    const refusal = await link.accept(order.task_id, { attempt_id: attemptId, secret_hash: sha256Hex(secret) });
    if (refusal !== undefined) return giveBack(entry, spare, refusal);
    writeTask(spare.folder, task, spare.user);
    void handOver(entry, spare, task);
    // The next spare is started once this one is on its way, so that it does not compete for the processor.
    void deps.clock.sleep(250).then(fillSpares);
  }

  /** From here on the folder is the attempt's: a runner that is not up yet finds its task there, one that dies gets a successor. */
  async function handOver(entry: Held, spare: Spare, task: RunnerTask): Promise<void> {
    const runner = await spare.runner;
    runner?.send({ type: 'assigned', task });
    const delivered = runner !== undefined && (await followRunner(entry, runner));
    if (!delivered && !leaving) await keepRunning(entry);
  }

  async function giveBack(entry: Held, spare: Spare, refusal: string): Promise<void> {
    deps.logger.info({ attempt_id: entry.attemptId, refusal }, 'the server did not take the accept');
    const runner = await spare.runner;
    runner?.send({ type: 'leave' });
    await runner?.ended;
    held.delete(entry.attemptId);
    await forget(spare.folder);
    fillSpares();
  }

  const list = (): HeldAttempt[] =>
    [...held.values()].map(({ attemptId, taskId, action }) => ({ attemptId, taskId, action }));

  return {
    adopt,
    take,
    list,
    fillSpares,
    freeSlots: () => countFreeSlots(list(), deps.maxConcurrent, draining || leaving),
    /** The level only rises; a runner that is not there yet hears it when it comes. */
    cancel(attemptId: AttemptId, level: CancelLevel): void {
      const entry = held.get(attemptId);
      if (entry === undefined || level <= entry.cancelLevel) return;
      entry.cancelLevel = level;
      entry.runner?.send({ type: 'cancel', level });
    },
    setWatched(taskId: TaskId, isWatched: boolean, intervalMs?: number): void {
      if (isWatched) watched.set(taskId, intervalMs);
      else watched.delete(taskId);
      for (const entry of held.values()) if (entry.taskId === taskId) entry.runner?.send(watchedMessage(taskId));
    },
    drain(): void {
      draining = true;
      for (const spare of spares) void spare.runner.then((runner) => runner?.send({ type: 'leave' }));
    },
    /** Cancels running plans, for a second SIGTERM; an apply is never stopped because its agent leaves. */
    cancelPlans(): void {
      for (const entry of held.values()) if (entry.action === 'plan') entry.runner?.send({ type: 'cancel', level: 1 });
    },
    /** Gives up all links; runners with an attempt go on and are found again, spares end. */
    async leave(): Promise<void> {
      leaving = true;
      for (const entry of held.values()) entry.runner?.leave();
      await Promise.all(
        spares.map(async (spare) => {
          const runner = await spare.runner;
          runner?.send({ type: 'leave' });
          await runner?.ended;
          await forget(spare.folder);
        }),
      );
    },
  };
}
export type Attempts = ReturnType<typeof createAttempts>;

const heldOf = ({ attempt, task_id, action }: RunTask): HeldAttempt => ({
  attemptId: attempt.id,
  taskId: task_id,
  action,
});

const toRunnerTask = (order: RunTask, now: number): RunnerTask => ({
  attempt_id: order.attempt.id,
  task_id: order.task_id,
  workspace_id: order.workspace_id,
  action: order.action,
  epoch: order.attempt.epoch,
  tool: order.tool,
  terraform_version: order.terraform_version,
  written_at: new Date(now).toISOString(),
});
