import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@groundcrew/kit';
import { CliError } from '../cli-error.ts';
import { readTail } from './read-tail.ts';

export interface ServerStart {
  /** Folder of everything it keeps. */
  home: string;
  /** The whole environment. */
  env: NodeJS.ProcessEnv;
  /** Where its log goes; appended. */
  logFile: string;
}

/** A server that runs as our child. */
export interface ServerProcess {
  url: string;
  /** One-time; present until somebody has signed in. */
  signInToken: string | undefined;
  /** Resolves when it is gone, with the reason. */
  exited: Promise<string>;
  /** Aborts when it is gone, for whatever would go on asking it. */
  gone: AbortSignal;
  /** Asks it to leave and waits; runners go on without it. */
  stop(): Promise<void>;
}

/** The descriptor on which the server tells that it is ready. */
const READY_FD = 3;
const STOP_MS = 30_000;

/**
 * Starts the server and waits until it answers. It gets a process group of its own: Ctrl-C in the terminal is for us, and we ask
 * it to leave in our own time.
 *
 * @throws CliError with the end of its log when it does not come up
 */
export async function startServer({ home, env, logFile }: ServerStart): Promise<ServerProcess> {
  mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 });
  const log = openSync(logFile, 'a', 0o600);
  const entry = fileURLToPath(new URL('../../../server/src/main.ts', import.meta.url));
  const child = spawn(process.execPath, [entry], {
    cwd: home,
    detached: true,
    env: { ...env, GROUNDCREW_HOME: home, GROUNDCREW_READY_FD: String(READY_FD) },
    stdio: ['ignore', log, log, 'pipe'],
  });
  closeSync(log);
  const exited = watchExit(child);
  const ready = await Promise.race([readReady(child.stdio[READY_FD] as Readable), exited]);
  if (typeof ready === 'string') throw await explainDeath(ready, logFile);
  return {
    url: ready.url,
    signInToken: ready.sign_in_token ?? undefined,
    exited,
    gone: abortWhenGone(exited, logFile),
    stop: () => stop(child, exited),
  };
}

interface Ready {
  url: string;
  sign_in_token?: string | null;
}

/** The one line that the server writes; never resolves when it dies before, which its exit tells. */
async function readReady(pipe: Readable): Promise<Ready> {
  for await (const line of createInterface({ input: pipe })) return JSON.parse(line) as Ready;
  return new Promise(() => {});
}

const watchExit = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    child.once('error', (error) => resolve(`it could not be started: ${error.message}`));
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`),
    );
  });

function abortWhenGone(exited: Promise<string>, logFile: string): AbortSignal {
  const gone = new AbortController();
  void exited.then((reason) =>
    gone.abort(new CliError(`The server is gone: ${reason}. Its log is ${logFile}.`, { code: 'server_gone' })),
  );
  return gone.signal;
}

async function explainDeath(reason: string, logFile: string): Promise<CliError> {
  const tail = await readTail(logFile, 10);
  if (tail.includes('something else listens'))
    return new CliError(
      'The port is taken by something else. Take a free one with --port 0, or name one with --port.',
      {
        code: 'port_taken',
      },
    );
  const end = tail === '' ? '.' : `, and ends with:\n\n${tail}`;
  return new CliError(`The server did not come up: ${reason}. Its log is ${logFile}${end}`, { code: 'server_start' });
}

async function stop(child: ChildProcess, exited: Promise<string>): Promise<void> {
  const done = new AbortController();
  child.kill('SIGTERM');
  const late = systemClock.sleep(STOP_MS, done.signal).then(() => void child.kill('SIGKILL'));
  await Promise.race([exited, late.catch(() => {})]);
  done.abort();
  await exited;
}
