import { AsyncLocalStorage } from 'node:async_hooks';
import type { Owner, Timer } from '../kernel/event-loop.ts';
import type { Host } from './host.ts';
import type { OpenFile } from './open-file.ts';

/** How a process ended. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process of a simulated host. What it awaits never comes once it is dead, as if its memory were gone. */
export interface Process extends Owner {
  readonly pid: number;
  readonly name: string;
  readonly host: Host;
  readonly startTicks: number;
  /** Its process group; its own pid for a leader. */
  readonly group: number;
  readonly descriptors: Map<number, OpenFile>;
  readonly exit: ProcessExit | undefined;
  /** Takes signals other than SIGKILL and SIGSTOP; without it they end the process. */
  onSignal: ((signal: NodeJS.Signals) => void) | undefined;
  /** Done when it dies, by whatever. */
  readonly atExit: Set<() => void>;
  /** Runs code as this process: its files, its clock, its network. */
  run<T>(code: () => T): T;
  after(ms: number, run: () => void): Timer;
  /** Resolves after `ms`; never once it is dead. */
  sleep(ms: number): Promise<void>;
  end(exit: ProcessExit): void;
  stopUntil(time: number): void;
}

const running = new AsyncLocalStorage<Process>();

/** The process whose code runs. @throws Error outside of the simulated world */
export function currentProcess(): Process {
  const process = running.getStore();
  if (process === undefined) throw new Error('code of the product runs outside of a simulated process');
  return process;
}

/** The process whose code runs, if any does. */
export const findCurrentProcess = (): Process | undefined => running.getStore();

export function createProcess(host: Host, given: { pid: number; name: string; group: number }): Process {
  const { loop } = host.world;
  let alive = true;
  let stoppedUntil = 0;
  let exit: ProcessExit | undefined;
  const process: Process = {
    ...given,
    host,
    startTicks: loop.steps() + 1,
    descriptors: new Map(),
    onSignal: undefined,
    atExit: new Set(),
    get alive() {
      return alive;
    },
    get stoppedUntil() {
      return stoppedUntil;
    },
    get exit() {
      return exit;
    },
    run: (code) => running.run(process, code),
    after: (ms, run) => loop.after(ms, () => running.run(process, run), process),
    sleep: (ms) => new Promise((resolve) => process.after(ms, resolve)),
    end(how) {
      if (!alive) return;
      alive = false;
      exit = how;
      for (const file of process.descriptors.values()) file.release();
      process.descriptors.clear();
      for (const act of [...process.atExit]) act();
      host.bury(process);
    },
    stopUntil(time) {
      stoppedUntil = time;
    },
  };
  return process;
}
