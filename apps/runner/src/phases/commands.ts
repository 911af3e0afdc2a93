import { statSync } from 'node:fs';
import type { Clock, Logger } from '@groundcrew/kit';
import type { Exit } from '@groundcrew/terraform';
import type { AttemptFolder } from '../folder/index.ts';
import { findFate, type Journal } from '../journal/index.ts';
import {
  type CommandName,
  type CommandOrder,
  type CommandRecord,
  commandRecord,
  endGroup,
  followCommand,
  isAlive,
  isRunning,
  type Launcher,
  openLauncher,
} from '../launcher/index.ts';
import type { Wishes } from '../lease/index.ts';
import { type StopOutcome, superviseStop } from '../stop/index.ts';
import { PassingTrouble } from './outcome.ts';

/** How a command came to its end. A code and signal of null: nobody saw it. */
export type CommandEnd = Exit & StopOutcome;

/** Runs Terraform's commands, each at most once in the attempt, whichever runner began it. */
export interface Commands {
  /** Has a launcher ready for the next command, so that `run` has nothing left to do but to say the word. */
  prepare(): void;
  /** Runs the command to its end, or waits for the end of one that an earlier runner began, or reads it from the journal. */
  run(order: CommandOrder, limits: CommandLimits): Promise<CommandEnd>;
  /** Lets a launcher go that was not needed. */
  close(): void;
}

export interface CommandLimits {
  /** Its time is up then; see the rules of stopping. */
  timeoutAt: number;
  /** Terraform says in its output that it was interrupted. */
  acknowledged: () => boolean;
}

export interface CommandsDeps {
  folder: AttemptFolder;
  journal: Journal;
  wishes: Wishes;
  clock: Clock;
  logger: Logger;
  /** Forbids to begin anything: all that is left is to find out what happened. */
  onlyFollow: boolean;
  onStarted: (command: CommandName, pid: number, at: number) => void;
  /** One that a spare had ready. */
  launcher?: Launcher | undefined;
}

export function createCommands(deps: CommandsDeps): Commands {
  const { folder, journal, clock, logger } = deps;
  const alive = () => isAlive(folder.alive);
  let ready: Launcher | undefined;
  if (deps.launcher !== undefined) keep(deps.launcher);

  /** A launcher that waits for its word holds the lock as well, and would be taken for what is looked for. */
  function aliveBesidesOurs(): Promise<boolean> {
    close();
    return alive();
  }

  /** One that dies while it waits is none any more. */
  function keep(launcher: Launcher): void {
    ready = launcher;
    void launcher.gone.then(() => {
      if (ready === launcher) ready = undefined;
    });
  }

  function prepare(): void {
    if (!deps.onlyFollow && ready === undefined) keep(openLauncher(folder));
  }

  async function run(order: CommandOrder, limits: CommandLimits): Promise<CommandEnd> {
    const record = commandRecord(journal.dir, order.name);
    // No turn of the event loop between here and the start of what is no apply.
    const begun = isRecorded(record) || (order.name === 'apply' && (await findFate(journal.dir)) !== undefined);
    const seen = begun && isSeenRunning(record);
    const launched = begun ? undefined : launch(order);
    const ended = new AbortController();
    const stopping = superviseStop(
      { ...deps, ...limits, command: order.name, record, journalDir: journal.dir, startedAt: () => startTime(record) },
      ended.signal,
    );
    void tellStart(order.name, record, ended.signal);
    const exit = await followCommand(record, {
      clock,
      isAlive: aliveBesidesOurs,
      ...(launched ? { launcherGone: launched.gone } : {}),
    });
    ended.abort();
    // An end that was written down before we came says nothing of what Terraform had started: only the lock does.
    if (launched || seen || (await aliveBesidesOurs())) await sweep(record);
    if (launched && order.name !== 'apply' && record.findProcess() === undefined)
      throw new PassingTrouble(`The host could not start Terraform's ${order.name}; the runner's log says why.`);
    return { ...exit, ...(await stopping) };
  }

  function launch(order: CommandOrder): Launcher {
    if (deps.onlyFollow) throw new Error(`${order.name} was never begun, and this runner begins nothing`);
    const launcher = ready ?? openLauncher(folder);
    ready = undefined;
    launcher.go(order);
    return launcher;
  }

  /** Nothing that a command left behind may go on changing things; only what moved into a session of its own is out of reach. */
  async function sweep(record: CommandRecord): Promise<void> {
    const process = record.findProcess();
    if (process === undefined || (await endGroup(process, { clock, isAlive: alive }))) return;
    logger.warn({ pid: process.pid }, 'something of Terraform’s process group does not die');
  }

  async function tellStart(name: CommandName, record: CommandRecord, ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      const at = startTime(record);
      const process = record.findProcess();
      if (at !== undefined && process !== undefined) return deps.onStarted(name, process.pid, at);
      await clock.sleep(START_POLL_MS, ended).catch(() => {});
    }
  }

  /** One that is needed after all is made anew. */
  function close(): void {
    ready?.abandon();
    ready = undefined;
  }

  return { prepare, run, close };
}

const isRecorded = ({ findExit, findProcess }: CommandRecord): boolean =>
  findExit() !== undefined || findProcess() !== undefined;

const START_POLL_MS = 4;

function isSeenRunning(record: CommandRecord): boolean {
  const process = record.findProcess();
  return process !== undefined && isRunning(process);
}

/** The record of the process is written right before Terraform takes its place. */
const startTime = (record: CommandRecord): number | undefined =>
  statSync(`${record.path}.pid`, { throwIfNoEntry: false })?.mtimeMs;
