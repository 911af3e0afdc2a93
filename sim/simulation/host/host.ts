import { createDisk } from '../disk/disk.ts';
import type { Host, Process, World } from '../world.ts';
import { createProcess } from './process.ts';

export function createHost(world: World, name: string): Host {
  const { loop } = world;
  const dice = world.dice.fork(`host ${name}`);
  const processes = new Map<number, Process>();
  let pids = 100;
  let ports = 40_000;
  const host: Host = {
    name,
    world,
    disk: createDisk(loop.now),
    processes,
    ports: new Map(),
    sockets: new Map(),
    skewMs: 0,
    slowness: 1,
    lost: false,
    start(processName, group) {
      const pid = pids++;
      const process = createProcess(host, { pid, name: processName, group: group ?? pid });
      processes.set(pid, process);
      return process;
    },
    bury: (process) => void processes.delete(process.pid),
    signal(target, signal) {
      const targets = [...processes.values()].filter(({ pid, group }) => pid === target || group === -target);
      for (const process of targets) deliver(process, signal);
      return targets.length > 0;
    },
    nextPort: () => ports++,
    cutPower() {
      for (const process of [...processes.values()]) process.end({ code: null, signal: 'SIGKILL' });
      host.ports.clear();
      host.sockets.clear();
      host.disk.cutPower(dice);
    },
  };
  return host;
}

function deliver(process: Process, signal: NodeJS.Signals): void {
  if (signal === 'SIGKILL' || process.onSignal === undefined) process.end({ code: null, signal });
  else process.after(0, () => process.onSignal?.(signal));
}
