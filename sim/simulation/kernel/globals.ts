import { findCurrentProcess } from '../host/process.ts';
import type { Process, World } from '../world.ts';

/** Puts a world's time, dice and signals in the place of the machine's, until the function it gives is called. */
export function replaceGlobals(world: World): () => void {
  const restore: (() => void)[] = [];
  function replace<T extends object, K extends keyof T>(target: T, key: K, value: T[K]): void {
    const before = Object.getOwnPropertyDescriptor(target, key);
    Object.defineProperty(target, key, { value, configurable: true, writable: true });
    restore.push(() => {
      if (before === undefined) delete target[key];
      else Object.defineProperty(target, key, before);
    });
  }
  const now = () => Math.floor(world.loop.now() + (findCurrentProcess()?.host.skewMs ?? 0));
  replace(globalThis, 'setTimeout', createSetTimeout(world) as never);
  replace(globalThis, 'clearTimeout', ((timer: SimulatedTimer | undefined) => timer?.cancel?.()) as never);
  replace(Date, 'now', now);
  replace(Math, 'random', world.dice.fork('Math.random').next);
  replace(AbortSignal, 'timeout', createTimeout(world));
  replace(AbortSignal, 'any', anySignal as never);
  replace(crypto, 'getRandomValues', createRandomValues(world) as never);
  replace(process, 'kill', kill as never);
  return () => {
    for (const undo of restore.reverse()) undo();
  };
}

interface SimulatedTimer {
  cancel(): void;
  unref(): SimulatedTimer;
  ref(): SimulatedTimer;
}

const after = (world: World, ms: number, run: () => void) => {
  const owner: Process | undefined = findCurrentProcess();
  return owner === undefined ? world.loop.after(ms, run) : owner.after(ms, run);
};

function createSetTimeout(world: World) {
  return (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]): SimulatedTimer => {
    const { cancel } = after(world, Math.max(1, ms), () => run(...args));
    const timer: SimulatedTimer = { cancel, unref: () => timer, ref: () => timer };
    return timer;
  };
}

const createTimeout = (world: World) => (ms: number) => {
  const controller = new AbortController();
  after(world, ms, () => controller.abort(new DOMException('The operation timed out.', 'TimeoutError')));
  return controller.signal;
};

/** Node's own is kept alive until it aborts, which the signals of a dead process never do, and a whole world with them. */
function anySignal(signals: Iterable<AbortSignal>): AbortSignal {
  const controller = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) controller.abort(signal.reason);
    else signal.addEventListener('abort', () => controller.abort(signal.reason), { once: true });
  }
  return controller.signal;
}

const createRandomValues = (world: World) => {
  const dice = world.dice.fork('crypto');
  return (array: Uint8Array): Uint8Array => {
    array.set(dice.bytes(array.length));
    return array;
  };
};

function kill(target: number, signal: NodeJS.Signals = 'SIGTERM'): boolean {
  const sender = findCurrentProcess();
  if (sender === undefined) throw new Error('nobody sends signals from outside of the simulated world');
  if (sender.host.signal(target, signal)) return true;
  const error: NodeJS.ErrnoException = new Error(`kill ESRCH ${target}`);
  error.code = 'ESRCH';
  throw error;
}
