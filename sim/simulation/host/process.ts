import { AsyncLocalStorage } from 'node:async_hooks';
import type { Host, Process } from '../world.ts';

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
  let exit: Process['exit'];
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
