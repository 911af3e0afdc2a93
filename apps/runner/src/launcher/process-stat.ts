import { readFileSync } from 'node:fs';

/** A process as Linux tells it in /proc/<pid>/stat. */
export interface ProcessStat {
  pid: number;
  /** `R`, `S`, …; `Z` is a zombie: dead, not yet buried. */
  state: string;
  parent: number;
  session: number;
  /** Ticks since the machine's start. With the pid it names one process for good; a pid alone is given away again. */
  startTime: string;
}

// The name in brackets may itself hold brackets and blanks, so fields are counted from the last bracket.
const STAT = /^(\d+) \(.*\) (.+)\n?$/s;

/** Parses the line of /proc/<pid>/stat; undefined for one that is cut off or something else. */
export function findProcessStat(line: string): ProcessStat | undefined {
  const [, pid, rest] = STAT.exec(line) ?? [];
  const fields = rest?.split(' ') ?? [];
  const [state, parent, , session] = fields;
  const startTime = fields[19];
  // A line that was cut off inside the start time would name another process; the field after it shows that it is whole.
  if (!pid || !state || !parent || !session || !startTime || fields.length < 21) return undefined;
  return { pid: Number(pid), state, parent: Number(parent), session: Number(session), startTime };
}

/** Reads what the system says of `pid` now; undefined when there is no such process here. */
export function readProcessStat(pid: number): ProcessStat | undefined {
  try {
    return findProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** True while this very process runs. False says only that it is not seen from here: another container sees other pids. */
export function isRunning(process: Pick<ProcessStat, 'pid' | 'startTime'>): boolean {
  const now = readProcessStat(process.pid);
  return now !== undefined && now.startTime === process.startTime && now.state !== 'Z';
}
