import { join } from 'node:path';
import type { CgroupLoad } from './cgroup.ts';
import { stalledMicros } from './cgroup.ts';
import { findNumber, readText } from './proc-file.ts';

/** How busy the host is, each from 0 to 1; where the control group allows less than the host has, of that. */
export interface HostLoad {
  /** Processor time in use. */
  cpu: number;
  /** Share of the time in which something waited for a processor. */
  cpuPressure: number;
  /** Memory in use; caches that can be dropped are not. */
  memory: number;
}

/** Counters as the kernel keeps them, at one moment. */
export interface LoadSample {
  /** Milliseconds of a clock that nobody sets. */
  at: number;
  /** Processor time of the host so far, in the kernel's ticks. */
  ticks: { all: number; idle: number } | undefined;
  /** Microseconds so far in which something on the host waited for a processor; undefined where the kernel does not tell. */
  stalledMicros: number | undefined;
  /** Processes that run or want to, averaged over a minute. */
  loadAverage: number | undefined;
  processors: number;
  memory: number | undefined;
  cgroup: CgroupLoad;
}

/** The host's counters. @param root where `/proc` is, `/` but in tests */
export function readHostCounters(root: string): Omit<LoadSample, 'at' | 'cgroup'> {
  const stat = readText(join(root, 'proc/stat'));
  return {
    ticks: toTicks(stat),
    stalledMicros: stalledMicros(readText(join(root, 'proc/pressure/cpu'))),
    loadAverage: findNumber(readText(join(root, 'proc/loadavg')), /^([\d.]+)/),
    processors: Math.max(1, stat.match(/^cpu\d+ /gm)?.length ?? 1),
    memory: toMemory(readText(join(root, 'proc/meminfo'))),
  };
}

/** Columns of the first line: user nice system idle iowait irq softirq steal, proc_stat(5). */
function toTicks(stat: string): LoadSample['ticks'] {
  const numbers = /^cpu +([\d ]+)/.exec(stat)?.[1]?.trim().split(' ').map(Number).slice(0, 8);
  if (numbers === undefined || numbers.length < 5) return undefined;
  return { all: numbers.reduce((sum, ticks) => sum + ticks, 0), idle: (numbers[3] ?? 0) + (numbers[4] ?? 0) };
}

/** `MemAvailable` counts caches as free, which Node's own figure does not. */
function toMemory(meminfo: string): number | undefined {
  const total = findNumber(meminfo, /^MemTotal:\s+(\d+)/m);
  const available = findNumber(meminfo, /^MemAvailable:\s+(\d+)/m);
  return total === undefined || available === undefined || total === 0 ? undefined : 1 - available / total;
}

/** The load between two samples; from one alone, what it can tell. */
export const toHostLoad = (last: LoadSample | undefined, now: LoadSample): HostLoad => ({
  cpu: rounded(Math.max(hostCpu(last, now) ?? 0, groupCpu(last, now) ?? 0)),
  cpuPressure: rounded(Math.max(waited(last, now) ?? 0, throttled(last, now) ?? 0)),
  memory: rounded(Math.max(now.memory ?? 0, now.cgroup.memory ?? 0)),
});

/** Before there are two samples, processes that run or want to, per processor. */
function hostCpu(last: LoadSample | undefined, now: LoadSample): number | undefined {
  if (last?.ticks === undefined || now.ticks === undefined || now.ticks.all <= last.ticks.all)
    return now.loadAverage === undefined ? undefined : now.loadAverage / now.processors;
  return 1 - (now.ticks.idle - last.ticks.idle) / (now.ticks.all - last.ticks.all);
}

function groupCpu(last: LoadSample | undefined, now: LoadSample): number | undefined {
  const { processors, cpuSeconds } = now.cgroup;
  const before = last?.cgroup.cpuSeconds;
  if (processors === undefined || cpuSeconds === undefined || before === undefined || last === undefined)
    return undefined;
  const seconds = (now.at - last.at) / 1000;
  return seconds > 0 ? (cpuSeconds - before) / (seconds * processors) : undefined;
}

/**
 * Our own group's waiting says most; else the host's. A kernel that tells neither has its load average asked: of n processes that
 * want to run on p processors, n − p wait.
 */
function waited(last: LoadSample | undefined, now: LoadSample): number | undefined {
  const isOwn = now.cgroup.stalledMicros !== undefined;
  const present = isOwn ? now.cgroup.stalledMicros : now.stalledMicros;
  const before = isOwn ? last?.cgroup.stalledMicros : last?.stalledMicros;
  if (present !== undefined && last !== undefined && before !== undefined && now.at > last.at)
    return (present - before) / ((now.at - last.at) * 1000);
  if (present !== undefined || now.loadAverage === undefined) return undefined;
  return Math.max(0, 1 - now.processors / now.loadAverage);
}

/** Share of the accounting periods in which the group had used up what it may have. */
function throttled(last: LoadSample | undefined, { cgroup: { periods } }: LoadSample): number | undefined {
  const before = last?.cgroup.periods;
  if (periods === undefined || before === undefined || periods.all <= before.all) return undefined;
  return (periods.throttled - before.throttled) / (periods.all - before.all);
}

const rounded = (share: number): number => Math.round(Math.min(1, Math.max(0, share || 0)) * 1000) / 1000;
