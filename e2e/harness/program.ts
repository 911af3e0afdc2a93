import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProgramOptions {
  argv: readonly [string, ...string[]];
  cwd: string;
  /** The whole environment. */
  env: Record<string, string>;
  /** Its standard output and error. */
  logFile: string;
  /** Gives it a pipe as descriptor 3, to say that it is ready. */
  withReadyPipe?: boolean;
}

/** A program of ours that runs. */
export interface Program {
  readonly pid: number;
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>;
  readonly isGone: boolean;
  readonly readyPipe: Readable | undefined;
  /** What it printed. */
  readLog(): string;
  /** Asks it to end and waits; kills it when it does not within `patienceMs`, which is told by false. */
  stop(signal: NodeJS.Signals, patienceMs?: number): Promise<boolean>;
  kill9(): Promise<void>;
}

/** A test run that is killed runs no clean-up; the kernel then ends what it had started. */
const DIES_WITH_US = process.platform === 'linux' ? ['setpriv', '--pdeathsig', 'KILL'] : [];

export function startProgram({ argv, cwd, env, logFile, withReadyPipe }: ProgramOptions): Program {
  const log = openSync(logFile, 'a', 0o600);
  const [file, ...args] = [...DIES_WITH_US, ...argv] as [string, ...string[]];
  const child = spawn(file, args, { cwd, env, stdio: ['ignore', log, log, withReadyPipe ? 'pipe' : 'ignore'] });
  closeSync(log);
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${file} could not be started.`);
  const exited = once(child, 'exit').then(() => undefined);

  async function stop(signal: NodeJS.Signals, patienceMs = 15_000): Promise<boolean> {
    if (isGone(child)) return true;
    child.kill(signal);
    const patience = new AbortController();
    const onTime = sleep(patienceMs, false, { signal: patience.signal, ref: false }).catch(() => true);
    const left = await Promise.race([exited.then(() => true), onTime]);
    patience.abort();
    if (!left) await kill9();
    return left;
  }

  async function kill9(): Promise<void> {
    child.kill('SIGKILL');
    await exited;
  }

  return {
    pid,
    exited,
    get isGone() {
      return isGone(child);
    },
    readyPipe: (child.stdio[3] as Readable | null) ?? undefined,
    readLog: () => readFileSync(logFile, 'utf8'),
    stop,
    kill9,
  };
}

const isGone = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;
