import type { Clock, Logger } from '@groundcrew/kit';
import { addInterrupt, type Interrupt, readInterrupts } from '../journal/index.ts';
import { type CommandName, type CommandRecord, interruptProcess, killGroup } from '../launcher/index.ts';
import type { Wishes } from '../lease/index.ts';
import { decideSignal, type StopSituation, type StopStep } from './decide-signal.ts';

export interface StopDeps {
  command: CommandName;
  record: CommandRecord;
  journalDir: string;
  wishes: Wishes;
  /** When Terraform was started; undefined while it was not. */
  startedAt: () => number | undefined;
  /** When its time is up. */
  timeoutAt: number;
  /** Terraform says in its output that it was interrupted. */
  acknowledged: () => boolean;
  clock: Clock;
  logger: Logger;
}

/** What was done about a command until it ended. */
export interface StopOutcome {
  /** Somebody or something wanted it to stop, whether or not it noticed. */
  asked: boolean;
  timedOut: boolean;
}

/** An answer in the output has no event of its own. */
const LOOK_AGAIN_MS = 500;

/** Stops the command when that is wanted, for as long as it runs: every signal is written down before it is sent. */
export async function superviseStop(deps: StopDeps, ended: AbortSignal): Promise<StopOutcome> {
  const { wishes } = deps;
  const inherited = await interruptsOf(deps);
  const own: Interrupt[] = [];
  let timedOut = false;
  while (!ended.aborted) {
    const situation = describe(deps, inherited, own);
    timedOut ||= situation.timedOut && situation.level === 0 && !situation.fenced;
    const step = decideSignal(situation);
    if (step.do === 'send') own.push(...(await trySend(deps, step.signal, ended)));
    else await untilChange(deps, nextLook(deps, situation, step), ended);
  }
  return { asked: wishes.cancelLevel > 0 || wishes.fenced || timedOut || inherited.length > 0, timedOut };
}

/** When to decide again if nothing changes before. */
function nextLook({ clock, timeoutAt }: StopDeps, { level, fenced, timedOut }: StopSituation, step: StopStep): number {
  const wanted = level > 0 || fenced || timedOut;
  const look = wanted ? clock.now() + LOOK_AGAIN_MS : Number.POSITIVE_INFINITY;
  return Math.min(step.do === 'wait' ? step.until : look, look, timedOut ? look : timeoutAt);
}

function describe(deps: StopDeps, inherited: Interrupt[], own: Interrupt[]): StopSituation {
  const { wishes, clock } = deps;
  const sigints = (list: Interrupt[], isInherited: boolean) =>
    list.filter(({ signal }) => signal === 'SIGINT').map(({ at }) => ({ at, inherited: isInherited }));
  return {
    applying: deps.command === 'apply',
    level: wishes.cancelLevel,
    fenced: wishes.fenced,
    timedOut: clock.now() >= deps.timeoutAt,
    startedAt: deps.startedAt(),
    interrupts: [...sigints(inherited, true), ...sigints(own, false)],
    acknowledged: deps.acknowledged(),
    killed: own.some(({ signal }) => signal === 'SIGKILL'),
    now: clock.now(),
  };
}

const interruptsOf = async ({ journalDir, command }: StopDeps): Promise<Interrupt[]> =>
  (await readInterrupts(journalDir)).filter((interrupt) => interrupt.command === command);

/** What is not written down is not sent; a disk that is full now has room again some time. Gives nothing when it was not sent. */
async function trySend(deps: StopDeps, signal: Interrupt['signal'], ended: AbortSignal): Promise<Interrupt[]> {
  try {
    return [await send(deps, signal)];
  } catch (error) {
    deps.logger.error({ err: error, command: deps.command, signal }, 'a signal cannot be written down; trying again');
    await deps.clock.sleep(LOOK_AGAIN_MS, ended).catch(() => {});
    return [];
  }
}

async function send(
  { command, record, journalDir, clock, logger }: StopDeps,
  signal: Interrupt['signal'],
): Promise<Interrupt> {
  const interrupt = { command, signal, at: clock.now() };
  await addInterrupt(journalDir, interrupt);
  const process = record.findProcess();
  const sent = process !== undefined && (signal === 'SIGINT' ? interruptProcess(process) : killGroup(process));
  logger.info({ command, signal, sent, pid: process?.pid }, 'stopping Terraform');
  return interrupt;
}

/** Resolves at the time, when the server wants something else, or when the command has ended. */
async function untilChange({ wishes, clock, startedAt }: StopDeps, time: number, ended: AbortSignal): Promise<void> {
  const changed = new AbortController();
  const forget = wishes.onChange(() => changed.abort());
  // The process is about to appear, which nobody tells.
  const soon = startedAt() === undefined ? clock.now() + LOOK_AGAIN_MS / 10 : Number.POSITIVE_INFINITY;
  const ms = Math.max(0, Math.min(time, soon) - clock.now());
  await clock.sleep(Math.min(ms, LONGEST_MS), AbortSignal.any([changed.signal, ended])).catch(() => {});
  forget();
}

const LONGEST_MS = 24 * 3600 * 1000;
