import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, readFileIfExists, run } from '@groundcrew/kit';

/** What `postmaster.pid` in a data folder says. Line by line: process, folder, start, port, socket folder, address, memory, status. */
export interface PostmasterFile {
  pid: number;
  /** Whether it takes connections. */
  ready: boolean;
}

export async function readPostmasterFile(dataFolder: string): Promise<PostmasterFile | undefined> {
  const lines = (await readFileIfExists(join(dataFolder, 'postmaster.pid')))?.toString().split('\n');
  const pid = Number(lines?.[0]);
  // The file is written in several steps; half of it means that it is just being made.
  return Number.isSafeInteger(pid) && pid > 1 ? { pid, ready: lines?.[7]?.trim() === 'ready' } : undefined;
}

const STEPS = [
  { signal: 'SIGINT', waitMs: 5_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
] as const;
const LOOK_MS = 10;

/**
 * Stops a PostgreSQL that an earlier server of ours, killed, left running on a data folder, so that the next one is our child
 * again. The caller holds the home's lock: nobody else can be using it.
 *
 * A file that names a process which is something else by now (numbers are used again, in containers soon) is removed:
 * PostgreSQL itself would refuse to start because of it.
 */
export async function stopLeftover(dataFolder: string, clock: Clock): Promise<'none' | 'stopped' | 'stale'> {
  const found = await readPostmasterFile(dataFolder);
  if (found === undefined) return 'none';
  if (!(await isPostmasterOf(dataFolder, found.pid))) {
    await rm(join(dataFolder, 'postmaster.pid'), { force: true });
    return 'stale';
  }
  for (const { signal, waitMs } of STEPS) {
    if (!sendSignal(found.pid, signal)) break;
    if (await isGone(dataFolder, found.pid, waitMs, clock)) break;
  }
  return 'stopped';
}

async function isGone(dataFolder: string, pid: number, waitMs: number, clock: Clock): Promise<boolean> {
  const until = clock.now() + waitMs;
  while (await isPostmasterOf(dataFolder, pid)) {
    if (clock.now() >= until) return false;
    await clock.sleep(LOOK_MS);
  }
  return true;
}

/** Whether a process is the PostgreSQL of that data folder; a dead one that its parent has not yet buried is not. */
async function isPostmasterOf(dataFolder: string, pid: number): Promise<boolean> {
  const line = await readCommandLine(pid);
  return line.includes('postgres') && line.includes(`-D ${dataFolder} `);
}

async function readCommandLine(pid: number): Promise<string> {
  if (process.platform === 'linux') {
    const bytes = await readFile(`/proc/${pid}/cmdline`).catch(() => undefined);
    return bytes?.toString().replaceAll('\0', ' ') ?? '';
  }
  const { stdout } = await run(['ps', '-ww', '-o', 'command=', '-p', String(pid)], { env: { PATH: process.env.PATH } });
  return `${stdout.trim()} `;
}

function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
