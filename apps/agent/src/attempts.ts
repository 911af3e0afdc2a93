import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, type Logger, newSecret, sha256Hex } from '@groundcrew/kit';
import type { AttemptId, CancelLevel, RunnerTask, RunTask, TaskId } from '@groundcrew/protocol';
import {
  type Crew,
  type CrewEffect,
  type CrewEvent,
  countFreeSlots,
  createCrew,
  type HeldAttempt,
  isTaking,
  listHeld,
  type RunnerEnded,
  stepCrew,
} from './decisions/index.ts';
import { isHeld, readEvidence } from './folder-evidence.ts';
import type { Link } from './link.ts';
import {
  attachRunner,
  createRunnerFolder,
  freeUser,
  type RunnerProcess,
  type RunnerStart,
  readLastWords,
  removeFolder,
  startRunner,
  userOf,
  writeSecret,
  writeTask,
} from './runner-process.ts';

export interface AttemptsDeps {
  /** Folder that holds one folder per runner; its path must stay short, sockets live in it. */
  dir: string;
  start: RunnerStart;
  maxConcurrent: number;
  /** Warm runners kept waiting for the next offer. */
  spares: number;
  link: Link;
  clock: Clock;
  logger: Logger;
  /** First part of the names of this agent's folders: short, and another at every start. */
  prefix: string;
  /** Whether an older instance of this agent still works in the same folder. */
  olderLives: () => boolean;
  /** Called when an attempt's folder is gone and its slot is free again. */
  onEnded: (held: HeldAttempt, message: RunnerEnded) => void;
  /** Called when the agent drains and nothing is left to do; may come more than once. */
  onIdle: () => void;
}

type Carried = { [D in CrewEffect['do']]: (effect: Extract<CrewEffect, { do: D }>) => void };

/**
 * The attempts of this agent: their folders, their runners, the warm spares. What is to be done is decided by `stepCrew`; here it
 * is done, and what came of it told.
 */
export function createAttempts(deps: AttemptsDeps) {
  const { dir, start, link, clock, logger } = deps;
  const runners = new Map<string, RunnerProcess>();
  /** Users by folder, until the folder is gone. */
  const uids = new Map<string, number>();
  const removals = new Map<string, Promise<void>>();
  const waiting = new Set<() => void>();
  let crew: Crew = createCrew({ maxConcurrent: deps.maxConcurrent, sparesWanted: deps.spares, prefix: deps.prefix });

  const pathOf = (folder: string): string => join(dir, folder);

  function tell(event: CrewEvent): void {
    const step = stepCrew(crew, event);
    crew = step.crew;
    for (const effect of step.effects) carry(effect);
    for (const look of [...waiting]) look();
  }

  /** Resolves once the crew is so. */
  function until(isSo: (crew: Crew) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!isSo(crew)) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  }

  /** Does what may fail; a failure is told as `failed`, or only logged where nothing follows from it. */
  function attempt(work: () => Promise<void>, failed?: CrewEvent): void {
    work().catch((error: unknown) => {
      logger.error({ err: error }, 'something an agent has to do for an attempt did not work');
      if (failed !== undefined) tell(failed);
    });
  }

  async function makeFolder(folder: string): Promise<void> {
    const user = freeUser([...uids.values()], start);
    if (user !== undefined) uids.set(folder, user.uid);
    await createRunnerFolder(pathOf(folder), start, user);
    tell({ kind: 'folder_made', folder });
  }

  async function accept(folder: string, order: RunTask): Promise<void> {
    const secret = newSecret();
    await writeSecret(pathOf(folder), secret, await userOf(pathOf(folder), start));
    const request = { attempt_id: order.attempt.id, secret_hash: sha256Hex(secret) };
    tell({ kind: 'accept_answered', folder, refusal: await link.accept(order.task_id, request) });
  }

  async function putTask(folder: string, order: RunTask): Promise<void> {
    await writeTask(pathOf(folder), toRunnerTask(order, clock.now()), await userOf(pathOf(folder), start));
    tell({ kind: 'task_written', folder });
  }

  /** Attaches to the folder's runner, which may still be on its way, and follows it to its end. */
  async function follow(folder: string, isStarting: boolean): Promise<void> {
    const path = pathOf(folder);
    const user = await userOf(path, start);
    const exited = isStarting ? { exited: startRunner(path, start, user).exited } : {};
    const runner = await attachRunner(path, { clock, logger, user, ...exited });
    if (runner === undefined) {
      logger.error({ folder, said: await readLastWords(path) }, 'a runner did not come up');
      return tell({ kind: 'runner_gone', folder, ended: undefined });
    }
    let last: RunnerEnded | undefined;
    runners.set(folder, runner);
    runner.onMessage((message) => {
      if (message.type === 'ended') last = message;
    });
    tell({ kind: 'runner_up', folder });
    await runner.ended;
    runners.delete(folder);
    tell({ kind: 'runner_gone', folder, ended: last });
  }

  function remove(folder: string): void {
    const removal = removeFolder(pathOf(folder))
      .catch((error: unknown) => logger.error({ err: error, folder }, 'a folder could not be removed'))
      .finally(() => {
        uids.delete(folder);
        removals.delete(folder);
      });
    removals.set(folder, removal);
  }

  async function after(ms: number, work: () => Promise<void> | void): Promise<void> {
    if (ms > 0) await clock.sleep(ms);
    await work();
  }

  const carried: Carried = {
    make_folder: ({ folder }) => attempt(() => makeFolder(folder), { kind: 'folder_failed', folder }),
    start_runner: ({ folder }) =>
      attempt(() => follow(folder, true), { kind: 'runner_gone', folder, ended: undefined }),
    attach: ({ folder }) => attempt(() => follow(folder, false), { kind: 'runner_gone', folder, ended: undefined }),
    look: ({ folder, afterMs }) =>
      attempt(() =>
        after(afterMs, async () => tell({ kind: 'looked', folder, lockHeld: await isHeld(pathOf(folder)) })),
      ),
    accept: ({ folder, order }) => attempt(() => accept(folder, order), { kind: 'folder_failed', folder }),
    reject: ({ order, reason }) => link.reject(order.task_id, order.attempt.id, reason),
    write_task: ({ folder, order }) => attempt(() => putTask(folder, order), { kind: 'task_failed', folder }),
    assign: ({ folder, order }) =>
      runners.get(folder)?.send({ type: 'assigned', task: toRunnerTask(order, clock.now()) }),
    send: ({ folder, message }) => runners.get(folder)?.send(message),
    remove_folder: ({ folder }) => remove(folder),
    tell_end: ({ attempt: held, ended }) => deps.onEnded(held, ended),
    fill_later: ({ afterMs }) => attempt(() => after(afterMs, () => tell({ kind: 'fill_spares' }))),
    detach: ({ folder }) => runners.get(folder)?.leave(),
    idle: () => deps.onIdle(),
    say: ({ level, sentence, folder, attempt: held }) =>
      logger[level]({ folder, attempt_id: held?.attemptId, task_id: held?.taskId }, sentence),
  };
  const carry = (effect: CrewEffect): void => (carried[effect.do] as (effect: CrewEffect) => void)(effect);

  return {
    tell,
    /** Looks through the attempts' folder for what this agent does not know yet. */
    async scan(): Promise<void> {
      const names = await readdir(dir).catch(() => []);
      const isKnown = (name: string) => removals.has(name) || crew.folders.some((folder) => folder.name === name);
      const unknown = names.filter((name) => !isKnown(name));
      const found = await Promise.all(
        unknown.map(async (folder) => ({ folder, evidence: await readEvidence(pathOf(folder), deps.olderLives()) })),
      );
      for (const { folder, evidence } of found) {
        const user = await userOf(pathOf(folder), start).catch(() => undefined);
        if (user !== undefined && evidence.ours) uids.set(folder, user.uid);
        tell({ kind: 'found', folder, evidence });
      }
    },
    /** Takes or refuses an offer; resolves when either is settled. */
    async take(order: RunTask): Promise<void> {
      tell({ kind: 'offer', order });
      await until((now) => !isTaking(now, order.attempt.id));
    },
    list: (): HeldAttempt[] => listHeld(crew),
    freeSlots: (): number => countFreeSlots(crew),
    cancel: (attemptId: AttemptId, level: CancelLevel): void => tell({ kind: 'cancel', attemptId, level }),
    setWatched: (taskId: TaskId, watched: boolean, intervalMs?: number): void =>
      tell({ kind: 'watched', taskId, watched, intervalMs }),
    /** Drains; resolves once no offer is half taken and no accepted task unwritten. */
    async handOver(): Promise<void> {
      tell({ kind: 'drain', reason: 'a newer instance of this agent has taken over' });
      await until(({ folders }) => folders.every(({ order }) => order === undefined));
    },
    /** Gives up all links; resolves once the spares are gone. */
    async leave(): Promise<void> {
      tell({ kind: 'leave' });
      await until(({ folders }) => !folders.some(({ use }) => use === 'spare'));
      await Promise.all(removals.values());
    },
  };
}

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
