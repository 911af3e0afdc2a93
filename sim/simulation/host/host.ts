import { createDisk, type Disk } from '../disk/disk.ts';
import type { World } from '../world.ts';
import type { HttpListener } from './http.ts';
import type { SocketListener } from './net.ts';
import { createProcess, type Process } from './process.ts';

/** A machine: a disk that outlives it, processes that do not. */
export interface Host {
  readonly name: string;
  readonly world: World;
  readonly disk: Disk;
  readonly processes: ReadonlyMap<number, Process>;
  /** Listeners on the loopback interface, by port. */
  readonly ports: Map<number, HttpListener>;
  /** Listeners on Unix sockets, by path. */
  readonly sockets: Map<string, SocketListener>;
  /** How far its clock is ahead. */
  skewMs: number;
  /** Factor on the time that every disk operation takes. */
  slowness: number;
  /** A new process. `group` of another process, or its own. */
  start(name: string, group?: number): Process;
  bury(process: Process): void;
  /** Sends a signal to a process, or with a negative number to a group. False when there is nobody. */
  signal(target: number, signal: NodeJS.Signals): boolean;
  nextPort(): number;
  /** Everything stops at once, and the disk keeps what the dice leave it. */
  cutPower(): void;
  /** It will never come back. */
  lost: boolean;
}

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
