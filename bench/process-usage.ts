import { readFileSync } from 'node:fs';

/** What a process has used until now. */
export interface Usage {
  /** Of one processor, in milliseconds, user and system together. */
  cpuMs: number;
  residentBytes: number;
}

/** Clock ticks per second in `/proc`, the same on every Linux that Node runs on. */
const TICKS = 100;

/** Reads it from `/proc`; throws when the process is gone. */
export function readUsage(pid: number): Usage {
  // The name, which may hold anything, stands in parentheses; the fields after it are numbers.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { cpuMs: ((user + system) * 1000) / TICKS, residentBytes: Number(resident) * 1024 };
}
