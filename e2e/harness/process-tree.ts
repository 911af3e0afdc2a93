import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface FoundProcess {
  pid: number;
  argv: string[];
  /** Its working folder; empty when that cannot be read any more. */
  cwd: string;
}

/**
 * Processes that work below a folder: their working folder or one of their arguments lies there. Runners, launchers, Terraform
 * and the database leave their parent's session, so that a process group would not find them; the folder does, and it finds
 * nothing that is not ours, since nobody else knows its name.
 */
export function listProcessesBelow(folder: string): FoundProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((name) => ({ pid: Number(name), argv: readArgv(name), cwd: readCwd(name) }))
    .filter(({ argv, cwd }) => cwd.startsWith(folder) || argv.some((word) => word.includes(folder)));
}

/** Kills whatever still works below a folder, until nothing does. */
export async function endProcessesBelow(folder: string): Promise<void> {
  for (let round = 0; round < 100; round += 1) {
    const found = listProcessesBelow(folder);
    if (found.length === 0) return;
    for (const { pid } of found) sendSignal(pid, 'SIGKILL');
    await sleep(20);
  }
  throw new Error(`Processes below ${folder} do not end: ${JSON.stringify(listProcessesBelow(folder))}`);
}

/** The same without waiting, for a process that is about to exit. */
export function endProcessesNow(folder: string): void {
  for (const { pid } of listProcessesBelow(folder)) sendSignal(pid, 'SIGKILL');
}

/** False when there is no such process any more. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Resident memory in bytes, or undefined when the process is gone. */
export function findMemory(pid: number): number | undefined {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readText(`/proc/${pid}/status`))?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

const readArgv = (pid: string): string[] => readText(`/proc/${pid}/cmdline`).split('\0').slice(0, -1);

function readCwd(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
