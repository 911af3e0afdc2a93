import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createTemporaryFolder } from '@groundcrew/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { createLoadMeter } from './index.ts';

/** A machine's `/proc` and `/sys` as files of ours, and a meter that looks at them. */
function createMachine(files: Record<string, string>) {
  const folder = createTemporaryFolder('load');
  onTestFinished(() => folder.remove());
  let at = 0;
  const put = (more: Record<string, string>): void => {
    for (const [name, text] of Object.entries(more)) {
      mkdirSync(dirname(join(folder.path, name)), { recursive: true });
      writeFileSync(join(folder.path, name), text);
    }
  };
  put(files);
  const meter = createLoadMeter({ root: folder.path, now: () => at });
  return {
    meter,
    later(ms: number, more: Record<string, string>) {
      at += ms;
      put(more);
      return meter.look();
    },
  };
}

const stat = (busy: number, idle: number): string =>
  `cpu  ${busy} 0 0 ${idle} 0 0 0 0 0 0\ncpu0 1 0 0 1 0 0 0 0 0 0\ncpu1 1 0 0 1 0 0 0 0 0 0\nintr 5\n`;
const psi = (total: number): string =>
  `some avg10=1.00 avg60=1.00 avg300=1.00 total=${total}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n`;
const HOST = {
  'proc/stat': stat(100, 100),
  'proc/loadavg': '1.00 0.50 0.20 1/200 999\n',
  'proc/meminfo': 'MemTotal:       1000 kB\nMemFree: 10 kB\nMemAvailable:    600 kB\n',
  'proc/pressure/cpu': psi(0),
  'proc/self/cgroup': '0::/\n',
  'sys/fs/cgroup/cgroup.controllers': 'cpu memory\n',
};
const OWN = 'sys/fs/cgroup/system.slice/agent.service';

test('without any limit the host counts: time in use and waited for between two looks, memory that is not available', () => {
  const machine = createMachine(HOST);
  expect(machine.meter.look()).toEqual({ cpu: 0.5, cpuPressure: 0, memory: 0.4 });
  const load = machine.later(5_000, { 'proc/stat': stat(175, 125), 'proc/pressure/cpu': psi(4_000_000) });
  expect(load).toEqual({ cpu: 0.75, cpuPressure: 0.8, memory: 0.4 });
});

test('a kernel without pressure figures: of n processes on p processors n − p wait', () => {
  const { 'proc/pressure/cpu': _, ...files } = HOST;
  const machine = createMachine({ ...files, 'proc/loadavg': '8.00 0.50 0.20 1/200 999\n' });
  expect(machine.meter.look()).toMatchObject({ cpu: 1, cpuPressure: 0.75 });
});

test('version 2: the tightest limit on the way up counts, of processors and of memory, and our own group’s waiting', () => {
  const machine = createMachine({
    ...HOST,
    'proc/self/cgroup': '0::/system.slice/agent.service\n',
    [`${OWN}/memory.max`]: 'max\n',
    [`${OWN}/memory.current`]: '900\n',
    [`${OWN}/cpu.max`]: '200000 100000\n',
    [`${OWN}/cpu.stat`]: 'usage_usec 0\nnr_periods 0\nnr_throttled 0\n',
    [`${OWN}/cpu.pressure`]: psi(0),
    'sys/fs/cgroup/system.slice/memory.max': '1000\n',
    'sys/fs/cgroup/system.slice/memory.current': '990\n',
    'sys/fs/cgroup/system.slice/memory.stat': 'anon 1\ninactive_file 140\n',
    'sys/fs/cgroup/system.slice/cpu.max': '50000 100000\n',
    'sys/fs/cgroup/system.slice/cpu.stat': 'usage_usec 1000000\nnr_periods 10\nnr_throttled 0\n',
  });
  expect(machine.meter.look()).toMatchObject({ memory: 0.85, cpuPressure: 0 });
  const load = machine.later(10_000, {
    'proc/stat': stat(110, 190),
    // 4.5 s of the 5 s that half a processor gives, and held still in 3 of 10 periods.
    'sys/fs/cgroup/system.slice/cpu.stat': 'usage_usec 5500000\nnr_periods 20\nnr_throttled 3\n',
    // The host's waiting does not matter, ours does.
    'proc/pressure/cpu': psi(10_000_000),
    [`${OWN}/cpu.pressure`]: psi(1_000_000),
  });
  expect(load).toEqual({ cpu: 0.9, cpuPressure: 0.3, memory: 0.85 });
});

test('version 1: controllers in hierarchies of their own; no limit is the largest number', () => {
  const { 'sys/fs/cgroup/cgroup.controllers': _, ...host } = HOST;
  const machine = createMachine({
    ...host,
    'proc/self/cgroup': '4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n1:name=systemd:/\n0::/\n',
    'sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes': '1000\n',
    'sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes': '800\n',
    'sys/fs/cgroup/memory/docker/abc/memory.stat': 'inactive_file 1\ntotal_inactive_file 50\n',
    'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
    'sys/fs/cgroup/memory/memory.usage_in_bytes': '999999\n',
    'sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us': '100000\n',
    'sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us': '100000\n',
    'sys/fs/cgroup/cpu/docker/abc/cpuacct.usage': '0\n',
    'sys/fs/cgroup/cpu/docker/abc/cpu.stat': 'nr_periods 0\nnr_throttled 0\n',
    'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
    'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
  });
  expect(machine.meter.look()).toMatchObject({ memory: 0.75 });
  const load = machine.later(10_000, {
    'proc/stat': stat(110, 190),
    'sys/fs/cgroup/cpu/docker/abc/cpuacct.usage': '8000000000\n',
    'sys/fs/cgroup/cpu/docker/abc/cpu.stat': 'nr_periods 100\nnr_throttled 40\n',
  });
  expect(load).toEqual({ cpu: 0.8, cpuPressure: 0.4, memory: 0.75 });
});

test('a container that is told its path on the host, where only its own group is mounted', () => {
  const machine = createMachine({
    ...HOST,
    'proc/self/cgroup': '0::/kubepods/pod1/c1\n',
    'sys/fs/cgroup/memory.max': '1000\n',
    'sys/fs/cgroup/memory.current': '700\n',
  });
  expect(machine.meter.look()).toMatchObject({ memory: 0.7 });
});

test('garbage and nothing at all count as no load', () => {
  const nothing = createMachine({});
  expect(nothing.meter.look()).toEqual({ cpu: 0, cpuPressure: 0, memory: 0 });
  const names = [...Object.keys(HOST), `${OWN}/cpu.max`, `${OWN}/memory.max`, `${OWN}/cpu.stat`];
  const garbage = createMachine(Object.fromEntries(names.map((name) => [name, 'max nonsense -1 \0 NaN'])));
  for (const load of [garbage.meter.look(), garbage.later(1_000, {})])
    expect(load).toEqual({ cpu: 0, cpuPressure: 0, memory: 0 });
});

test('counters that run backwards, as after a restored snapshot, count as no load', () => {
  const machine = createMachine({ ...HOST, 'proc/pressure/cpu': psi(9_000_000) });
  machine.meter.look();
  const load = machine.later(1_000, { 'proc/stat': stat(1, 1), 'proc/pressure/cpu': psi(0) });
  expect(load.cpuPressure).toBe(0);
  expect(load.cpu).toBeGreaterThanOrEqual(0);
});

test.runIf(process.platform === 'linux')('this very machine can be looked at', () => {
  const meter = createLoadMeter();
  const { memory } = meter.look();
  expect(memory).toBeGreaterThan(0);
  expect(memory).toBeLessThanOrEqual(1);
});
