import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { runCli } from './run-cli.ts';
import type { Io } from './terminal/io.ts';

export interface RunOptions {
  url?: string;
  /** Standard input; a terminal without a word when not given and `tty` is set. */
  stdin?: string;
  /** Makes all three streams a terminal. */
  tty?: boolean;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
}

export interface Running {
  /** Standard output so far. */
  out(): string;
  err(): string;
  /** Types keys. */
  type(keys: string): void;
  signal(name: NodeJS.Signals): void;
  /** Waits until standard error or output holds this. */
  see(text: string): Promise<void>;
  done: Promise<number>;
}

export interface Ran {
  code: number;
  out: string;
  err: string;
}

/** A folder of its own, for HOME and whatever a test writes. */
export function makeFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'gc-cli-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Starts the command in this process, with streams of its own. */
export function start(
  argv: readonly string[],
  { url, stdin, tty = false, env = {}, cwd = tmpdir() }: RunOptions = {},
): Running {
  const input = Object.assign(new PassThrough(), { isTTY: tty, isRaw: false, setRawMode: () => {} });
  const [stdout, stderr] = [capture(tty), capture(tty)];
  if (!tty || stdin !== undefined) input.end(stdin ?? '');
  const listeners = new Map<string, Set<() => void>>();
  const io: Io = {
    stdin: input,
    stdout: stdout.stream,
    stderr: stderr.stream,
    cwd,
    env: {
      HOME: '/nonexistent',
      GROUNDCREW_COMMAND: 'groundcrew',
      ...(url && { GROUNDCREW_URL: url, GROUNDCREW_TOKEN: 'gct_test' }),
      ...env,
    },
    onSignal(name, listener) {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set.add(listener));
      return () => void set.delete(listener);
    },
  };
  const done = runCli(argv, io);
  return {
    out: stdout.text,
    err: stderr.text,
    type: (keys) => void input.write(keys),
    signal(name) {
      for (const listener of listeners.get(name) ?? []) listener();
    },
    async see(text) {
      while (!`${stdout.text()}${stderr.text()}`.includes(text)) await Promise.race([stdout.more(), stderr.more()]);
    },
    done,
  };
}

/** Runs the command to its end. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const running = start(argv, options);
  const code = await running.done;
  return { code, out: running.out(), err: running.err() };
}

function capture(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 100 });
  let text = '';
  let wake = () => {};
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    wake();
  });
  return {
    stream,
    text: () => text,
    more: () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      }),
  };
}
