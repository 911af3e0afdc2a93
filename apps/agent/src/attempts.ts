import { type Clock, type Logger, sha256Hex } from '@groundcrew/kit';
import type { AttemptId, CancelLevel, RunnerTask, RunTask, TaskId } from '@groundcrew/protocol';
import {
  type Crew,
  type CrewEffect,
  type CrewEvent,
  countFreeSlots,
  createCrew,
  decideTalk,
  type HeldAttempt,
  isTaking,
  listHeld,
  type RunnerEnded,
  stepCrew,
} from './decisions/index.ts';
import { isHeld } from './folder-evidence.ts';
import { createFolderKeeper } from './folder-keeper.ts';
import type { Link } from './link.ts';
import {
  attachRunner,
  type RunnerProcess,
  type RunnerStart,
  readLastWords,
  renewBirth,
  startRunner,
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
  const { start, link, clock, logger } = deps;
  const folders = createFolderKeeper(deps);
  const runners = new Map<string, RunnerProcess>();
  const waiting = new Set<() => void>();
  let crew: Crew = createCrew({ maxConcurrent: deps.maxConcurrent, sparesWanted: deps.spares, prefix: deps.prefix });

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
    await folders.make(folder);
    tell({ kind: 'folder_made', folder });
  }

  async function accept(folder: string, order: RunTask): Promise<void> {
    const request = { attempt_id: order.attempt.id, secret_hash: sha256Hex(await folders.putSecret(folder)) };
    runners.get(folder)?.send({ type: 'offered', task: toRunnerTask(order, clock.now()) });
    tell({ kind: 'accept_answered', folder, refusal: await link.accept(order.task_id, request) });
  }

  async function putTask(folder: string, order: RunTask): Promise<void> {
    await folders.putTask(folder, toRunnerTask(order, clock.now()));
    tell({ kind: 'task_written', folder });
  }

  /** Attaches to the folder's runner, which may still be on its way, and follows it to its end. */
  async function follow(folder: string, isStarting: boolean): Promise<void> {
    const path = folders.pathOf(folder);
    const user = await folders.findUser(folder);
    if (isStarting) await renewBirth(path, start, user);
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
      if (message.type === 'mute') tell({ kind: 'runner_mute', folder, reason: message.reason });
      if (message.type === 'hello') introduce(folder, runner, message.link_version);
    });
    tell({ kind: 'runner_up', folder });
    await runner.ended;
    runners.delete(folder);
    if (last === undefined && isAtWork(folder))
      logger.warn({ folder, said: await readLastWords(path) }, 'the runner of an attempt went without a last word');
    tell({ kind: 'runner_gone', folder, ended: last });
  }

  const isAtWork = (folder: string): boolean =>
    crew.mode !== 'leaving' && crew.folders.some(({ name, use }) => name === folder && use === 'attempt');

  /** A runner was born with the server's address of that day. */
  function introduce(folder: string, runner: RunnerProcess, version: number): void {
    const talk = decideTalk(version);
    const { server_url, ca_file, allow_insecure } = start.birth;
    if (talk.hearsOfServer) runner.send({ type: 'server', server_url, ca_file, allow_insecure });
    if (!talk.understood)
      logger.error({ folder, version }, 'a runner is too old to be talked to; it comes to its end by itself');
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
        after(afterMs, async () => tell({ kind: 'looked', folder, lockHeld: await isHeld(folders.pathOf(folder)) })),
      ),
    accept: ({ folder, order }) => attempt(() => accept(folder, order), { kind: 'folder_failed', folder }),
    reject: ({ order, reason }) => link.reject(order.task_id, order.attempt.id, reason),
    write_task: ({ folder, order }) => attempt(() => putTask(folder, order), { kind: 'task_failed', folder }),
    assign: ({ folder, order }) =>
      runners.get(folder)?.send({ type: 'assigned', task: toRunnerTask(order, clock.now()) }),
    send: ({ folder, message }) => runners.get(folder)?.send(message),
    remove_folder: ({ folder }) => folders.remove(folder),
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
      const isKnown = (name: string) => crew.folders.some((folder) => folder.name === name);
      for (const found of await folders.look(isKnown, deps.olderLives())) tell({ kind: 'found', ...found });
    },
    /** Takes or refuses an offer; resolves when either is settled. */
    async take(order: RunTask): Promise<void> {
      tell({ kind: 'offer', order });
      await until((now) => !isTaking(now, order.attempt.id));
    },
    list: (): HeldAttempt[] => listHeld(crew),
    isDraining: (): boolean => crew.mode !== 'serving',
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
      await folders.removed();
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
