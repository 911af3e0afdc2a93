import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { SocketAddress } from '../database/index.ts';

export interface SupervisorChild {
  pid: number;
  /** Rejects with what it said on standard error when it could not start. */
  started: Promise<SocketAddress>;
  exited: Promise<unknown>;
  kill(signal: NodeJS.Signals): void;
}

export interface ChildOptions {
  packageFolder?: string;
  uid?: number;
  gid?: number;
  /** Where programs are looked for before they are looked for where they are. */
  path?: string;
}

/** Runs the database of a home in a process of its own, so that it can be killed. */
export function startChild(homeDir: string, options: ChildOptions = {}): SupervisorChild {
  const { packageFolder, path, ...user } = options;
  const PATH = [...(path === undefined ? [] : [path]), process.env.PATH].join(':');
  const program = fileURLToPath(new URL('./supervisor-for-tests.ts', import.meta.url));
  const args = [program, homeDir, ...(packageFolder === undefined ? [] : [packageFolder])];
  const child = spawn(process.execPath, args, {
    env: { PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...user,
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const said = text(child.stderr);
  const started = new Promise<SocketAddress>((resolve, reject) => {
    child.stdout.once('data', (line: Buffer) => resolve(JSON.parse(line.toString()) as SocketAddress));
    void exited.then(async () => reject(new Error(await said)));
  });
  started.catch(() => {});
  return { pid: child.pid ?? 0, started, exited, kill: (signal) => void child.kill(signal) };
}
