import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Client } from '@groundcrew/client';
import { createNodeClient } from '@groundcrew/client/node';
import { newSecret } from '@groundcrew/kit';
import { routes } from '@groundcrew/protocol';
import { bundleOf } from './bundles.ts';
import { findFreePort } from './free-port.ts';
import { type Program, startProgram } from './program.ts';
import { createWakeUps, type WakeUps } from './wake-ups.ts';

export interface ServerOptions {
  /** Its data; a new folder when not given. */
  home?: string;
  /** Added to its environment. */
  env?: Record<string, string>;
}

/** A server that runs, and an administrator's client of it. */
export interface RunningServer {
  readonly url: string;
  readonly home: string;
  readonly token: string;
  readonly client: Client;
  readonly until: WakeUps['until'];
  readonly pid: number;
  /** From the start of the process until it said that it is ready, the last time, in milliseconds. */
  readonly readyAfterMs: number;
  readLog(): string;
  /** SIGTERM and wait; its data stays. */
  stop(): Promise<void>;
  kill9(): Promise<void>;
  /** SIGTERM and wait, to be started again with `restart`. */
  halt(): Promise<void>;
  /** Starts it again, on the same data and address. */
  restart(): Promise<void>;
}

interface Ready {
  url: string;
  sign_in_token?: string | null;
}

const READY_WITHIN_MS = 60_000;

/** @param folder the lab's */
export async function startServer(folder: string, { home, env = {} }: ServerOptions): Promise<RunningServer> {
  const homeDir = home ?? join(folder, `server-${newSecret(4)}`);
  const port = await findFreePort();
  const logFile = `${homeDir}.log`;
  let readyAfterMs = 0;
  let program: Program;

  async function start(): Promise<Ready> {
    const startedAt = performance.now();
    program = startProgram({
      argv: [process.execPath, bundleOf('server')],
      cwd: folder,
      logFile,
      withReadyPipe: true,
      env: { ...environment(homeDir, port), ...env },
    });
    const ready = await readReady(program);
    readyAfterMs = performance.now() - startedAt;
    return ready;
  }

  const { url, sign_in_token } = await start();
  if (!sign_in_token) throw new Error(`A new server gave no sign-in token; its log is ${logFile}.`);
  const token = await signIn(url, sign_in_token);
  const client = createNodeClient({ baseUrl: url, token, newIdempotencyKey: () => newSecret(), validate: routes });
  const wakeUps = createWakeUps(client, () => `The server's log ends with:\n${tailOf(program.readLog())}`);

  return {
    url,
    home: homeDir,
    token,
    client,
    until: wakeUps.until,
    get pid() {
      return program.pid;
    },
    get readyAfterMs() {
      return readyAfterMs;
    },
    readLog: () => program.readLog(),
    async stop() {
      wakeUps.close();
      client.close();
      await program.stop('SIGTERM');
    },
    kill9: () => program.kill9(),
    async halt() {
      await program.stop('SIGTERM');
    },
    async restart() {
      if (!program.isGone) await program.stop('SIGTERM');
      await start();
    },
  };
}

/** Nothing of our own environment but where programs are. */
const environment = (home: string, port: number): Record<string, string> => ({
  PATH: process.env.PATH ?? '/usr/bin:/bin',
  HOME: home,
  LANG: 'C.UTF-8',
  GROUNDCREW_HOME: home,
  GROUNDCREW_LISTEN_PORT: String(port),
  GROUNDCREW_READY_FD: '3',
});

/** The one line that a server writes to the descriptor it was given, once it takes requests. */
async function readReady(program: Program): Promise<Ready> {
  const { readyPipe } = program;
  if (readyPipe === undefined) throw new Error('The server was started without a pipe.');
  const late = AbortSignal.timeout(READY_WITHIN_MS);
  const lines = createInterface({ input: readyPipe, signal: late });
  for await (const line of lines) return JSON.parse(line) as Ready;
  const why = late.aborted ? `is not ready after ${READY_WITHIN_MS / 1000} s` : 'ended before it was ready';
  throw new Error(`The server ${why}:\n${tailOf(program.readLog())}`);
}

async function signIn(url: string, signInToken: string): Promise<string> {
  const guest = createNodeClient({ baseUrl: url });
  try {
    const body = { sign_in_token: signInToken, token_name: 'lab' };
    return (await guest.call('signIn', { body })).token;
  } finally {
    guest.close();
  }
}

const tailOf = (text: string): string => text.split('\n').slice(-25).join('\n');
