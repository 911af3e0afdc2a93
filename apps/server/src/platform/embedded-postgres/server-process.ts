import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import type { Clock } from '@groundcrew/kit';
import type { Engine } from './engine.ts';
import { readPostmasterFile } from './leftover.ts';
import type { Runner } from './run-as.ts';
import { postgresArguments, type Settings } from './settings.ts';

export interface ServerProcess {
  pid: number;
  /** Resolves with a sentence's worth of how it ended; never rejects. */
  exited: Promise<string>;
  /** Ends sessions and shuts down; twice if need be, the second time without a checkpoint. Resolves when it is gone. */
  stop(): Promise<void>;
}

export interface StartOptions {
  engine: Engine;
  runner: Runner;
  dataFolder: string;
  socketFolder: string;
  /** Where PostgreSQL writes what it has to say. A file, because a pipe that nobody reads for a while would stop it. */
  logFile: string;
  settings: Settings;
  clock: Clock;
}

/** PostgreSQL ended before it took connections. `retry` when the reason passes by itself. */
export class StartFailure extends Error {
  readonly retry: boolean;
  constructor(message: string) {
    super(message);
    this.retry = PASSING.test(message);
  }
}

/** A predecessor that is not quite gone: its file, its memory, or its processes still finding out. */
const PASSING = /lock file .* already exists|pre-existing shared memory block|could not bind Unix address/;
const STOPPING = [
  { signal: 'SIGINT', waitMs: 20_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
] as const;
const LOOK_MS = 5;
const MAX_LOG_BYTES = 1024 * 1024;

/** Starts PostgreSQL and resolves when it takes connections; a long log to be replayed after a crash is waited for. */
export async function startServerProcess(options: StartOptions): Promise<ServerProcess> {
  await rotate(options.logFile);
  const log = openSync(options.logFile, 'a', 0o600);
  const logStart = fstatSync(log).size;
  const child = launch(options, log);
  closeSync(log);
  const server = supervise(child, options.clock, () => readTail(options.logFile, logStart));
  const ended = await Promise.race([server.exited, waitUntilReady(options, server)]);
  if (ended !== undefined) throw new StartFailure(`PostgreSQL did not start: ${ended}`);
  return server;
}

/**
 * For glibc, others take no notice. PostgreSQL frees what a statement took when it is over; given back to the kernel each time,
 * the next statement would ask for the same pages again, one by one.
 */
const KEEP_MEMORY = { MALLOC_TOP_PAD_: '1048576', MALLOC_TRIM_THRESHOLD_: '33554432' };

function launch({ engine, runner, dataFolder, socketFolder, settings }: StartOptions, log: number): ChildProcess {
  const args = postgresArguments(dataFolder, socketFolder, settings);
  const [program, ...rest] = runner.command(engine.postgres, args, 'INT');
  // A session of its own: Ctrl-C in a terminal is for us, who still have things to write before it goes.
  return spawn(program, rest, {
    env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC', ...KEEP_MEMORY },
    cwd: '/',
    detached: true,
    stdio: ['ignore', log, log],
    ...runner.user,
  });
}

function supervise(child: ChildProcess, clock: Clock, readLog: () => string): ServerProcess {
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? `exit code ${code}`}. ${readLog()}`));
  });
  async function stop(): Promise<void> {
    for (const { signal, waitMs } of STOPPING) {
      child.kill(signal);
      const timer = new AbortController();
      const gone = await Promise.race([
        exited.then(() => true),
        clock.sleep(waitMs, timer.signal).then(
          () => false,
          () => true,
        ),
      ]);
      timer.abort();
      if (gone) return;
    }
  }
  return { pid: child.pid ?? 0, exited, stop };
}

/** Never rejects, and gives up as soon as the process has ended. */
async function waitUntilReady({ dataFolder, clock }: StartOptions, { pid, exited }: ServerProcess): Promise<undefined> {
  let ended = false;
  void exited.then(() => {
    ended = true;
  });
  while (!ended) {
    const file = await readPostmasterFile(dataFolder).catch(() => undefined);
    if (file?.pid === pid && file.ready) return undefined;
    await clock.sleep(LOOK_MS);
  }
  return undefined;
}

async function rotate(logFile: string): Promise<void> {
  const found = await stat(logFile).catch(() => undefined);
  if (found !== undefined && found.size > MAX_LOG_BYTES) await rename(logFile, `${logFile}.1`);
}

/** The last lines written since `start`, on one line. */
function readTail(path: string, start: number): string {
  try {
    return readFileSync(path).subarray(start).toString('utf8').trim().split('\n').slice(-6).join(' | ');
  } catch {
    return '';
  }
}
