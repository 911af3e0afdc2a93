import { join } from 'node:path';
import { findNumber, readText } from './proc-file.ts';

/** Where this process's control groups lie, from its own up to what it can see of the root. */
export interface CgroupPaths {
  version: 1 | 2;
  memory: readonly string[];
  cpu: readonly string[];
}

/** What the control groups let this process have, and what of it is used. */
export interface CgroupLoad {
  /** The fullest of the groups that have a limit, 0..1; undefined without any limit. */
  memory: number | undefined;
  /** Processors that the tightest group allows; undefined without any limit. */
  processors: number | undefined;
  /** Seconds of processor time that the group with that limit has used so far. */
  cpuSeconds: number | undefined;
  /** Accounting periods so far, and those in which the group had to stand still. */
  periods: { all: number; throttled: number } | undefined;
  /** Microseconds so far in which something of our own group waited for a processor; undefined where it is not told. */
  stalledMicros: number | undefined;
}

/** @param root where `/proc` and `/sys` are, `/` but in tests */
export function findCgroups(root: string): CgroupPaths {
  const lines = readText(join(root, 'proc/self/cgroup')).split('\n');
  const base = join(root, 'sys/fs/cgroup');
  const pathOf = (controller: string): string =>
    lines.find((line) => line.split(':')[1]?.split(',').includes(controller))?.replace(/^[^:]*:[^:]*:/, '') ?? '/';
  if (readText(join(base, 'cgroup.controllers')) !== '') {
    const own = lines.find((line) => line.startsWith('0::'))?.slice(3) ?? '/';
    return { version: 2, memory: upwards(base, own), cpu: upwards(base, own) };
  }
  return {
    version: 1,
    memory: upwards(join(base, 'memory'), pathOf('memory')),
    cpu: upwards(join(base, 'cpu'), pathOf('cpu')),
  };
}

/** A container may be shown its path on the host while only its own group is mounted: then the lower ones are missing, and harmless. */
function upwards(base: string, path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..');
  return [...parts.keys(), parts.length].reverse().map((depth) => join(base, ...parts.slice(0, depth)));
}

export function readCgroupLoad({ version, memory, cpu }: CgroupPaths): CgroupLoad {
  const memories = memory.map(version === 2 ? memoryShareV2 : memoryShareV1).filter((share) => share !== undefined);
  const limits = cpu.flatMap((path) => {
    const processors = version === 2 ? processorsV2(path) : processorsV1(path);
    return processors === undefined ? [] : [{ path, processors }];
  });
  const tightest = limits.toSorted((a, b) => a.processors - b.processors)[0];
  return {
    memory: memories.length === 0 ? undefined : Math.max(...memories),
    processors: tightest?.processors,
    cpuSeconds: tightest && (version === 2 ? cpuSecondsV2 : cpuSecondsV1)(tightest.path),
    periods: tightest && periodsOf(tightest.path),
    stalledMicros: version === 2 ? stalledMicros(readText(join(cpu[0] ?? '', 'cpu.pressure'))) : undefined,
  };
}

/** Total of the line `some` of a pressure file; undefined where there is none. Format: the kernel's Documentation/accounting/psi.rst. */
export const stalledMicros = (pressure: string): number | undefined => findNumber(pressure, /^some .*total=(\d+)/m);

/** Caches that can be dropped at once are not in use; the kernel counts them nevertheless. */
function memoryShare(limit: number | undefined, used: number | undefined, cached: number): number | undefined {
  if (limit === undefined || used === undefined || limit <= 0 || limit >= NO_LIMIT) return undefined;
  return Math.max(0, used - cached) / limit;
}

/** What version 1 says where there is no limit: the largest multiple of a page, 2^63 − 4096. */
const NO_LIMIT = 2 ** 62;

const memoryShareV2 = (path: string): number | undefined =>
  memoryShare(
    findNumber(readText(join(path, 'memory.max')), /^(\d+)/),
    findNumber(readText(join(path, 'memory.current')), /^(\d+)/),
    findNumber(readText(join(path, 'memory.stat')), /^inactive_file (\d+)/m) ?? 0,
  );

const memoryShareV1 = (path: string): number | undefined =>
  memoryShare(
    findNumber(readText(join(path, 'memory.limit_in_bytes')), /^(\d+)/),
    findNumber(readText(join(path, 'memory.usage_in_bytes')), /^(\d+)/),
    findNumber(readText(join(path, 'memory.stat')), /^total_inactive_file (\d+)/m) ?? 0,
  );

const processorsV2 = (path: string): number | undefined => {
  const [quota, period] = readText(join(path, 'cpu.max')).trim().split(' ').map(Number);
  return toProcessors(quota, period);
};

const processorsV1 = (path: string): number | undefined =>
  toProcessors(
    findNumber(readText(join(path, 'cpu.cfs_quota_us')), /^(-?\d+)/),
    findNumber(readText(join(path, 'cpu.cfs_period_us')), /^(\d+)/),
  );

const toProcessors = (quota = 0, period = 0): number | undefined =>
  quota > 0 && period > 0 ? quota / period : undefined;

const cpuSecondsV2 = (path: string): number | undefined => {
  const micros = findNumber(readText(join(path, 'cpu.stat')), /^usage_usec (\d+)/m);
  return micros === undefined ? undefined : micros / 1e6;
};

const cpuSecondsV1 = (path: string): number | undefined => {
  const nanos = findNumber(readText(join(path, 'cpuacct.usage')), /^(\d+)/);
  return nanos === undefined ? undefined : nanos / 1e9;
};

function periodsOf(path: string): CgroupLoad['periods'] {
  const stat = readText(join(path, 'cpu.stat'));
  const all = findNumber(stat, /^nr_periods (\d+)/m);
  const throttled = findNumber(stat, /^nr_throttled (\d+)/m);
  return all === undefined || throttled === undefined ? undefined : { all, throttled };
}
