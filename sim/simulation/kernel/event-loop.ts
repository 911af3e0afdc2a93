/** Whose event it is: nothing happens to the dead, and to the stopped it happens later. */
export interface Owner {
  readonly alive: boolean;
  /** Simulated time until which it is stopped (SIGSTOP); 0 when it runs. */
  readonly stoppedUntil: number;
}

export interface Timer {
  cancel(): void;
}

/**
 * The one clock of a simulated world. Simulated time stands still while code runs and jumps to the next event when all of it
 * waits; events of the same moment happen in the order in which they were asked for.
 */
export interface EventLoop {
  /** Milliseconds since 1970. */
  now(): number;
  /** Has `run` called after `ms`, unless its owner is dead by then. */
  after(ms: number, run: () => void, owner?: Owner): Timer;
  /** Events that have happened. */
  steps(): number;
  /** Goes on until `isOver`, or until nothing is left to happen. */
  run(isOver: () => boolean): Promise<void>;
}

interface Event {
  at: number;
  order: number;
  run: (() => void) | undefined;
  owner: Owner | undefined;
}

const immediate = globalThis.setImmediate;
/** Everything that code in between has to do before the next event: promises and ticks; both come before this callback. */
const settle = (): Promise<void> => new Promise((resolve) => immediate(resolve));

export function createEventLoop(start: number): EventLoop {
  const heap: Event[] = [];
  let time = start;
  let order = 0;
  let steps = 0;

  function after(ms: number, run: () => void, owner?: Owner): Timer {
    const event: Event = { at: time + Math.max(0, ms), order: order++, run, owner };
    push(heap, event);
    return {
      cancel() {
        event.run = undefined;
      },
    };
  }

  /** False when the event was put off or is nobody's any more. */
  function happen(event: Event): boolean {
    const { run, owner } = event;
    if (run === undefined || owner?.alive === false) return false;
    time = Math.max(time, event.at);
    if (owner !== undefined && owner.stoppedUntil > time) {
      push(heap, { ...event, at: owner.stoppedUntil });
      return false;
    }
    steps += 1;
    run();
    return true;
  }

  return {
    now: () => time,
    after,
    steps: () => steps,
    async run(isOver) {
      await settle();
      while (!isOver()) {
        const event = pop(heap);
        if (event === undefined) return;
        if (happen(event)) await settle();
      }
    },
  };
}

const isBefore = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

function push(heap: Event[], event: Event): void {
  let at = heap.push(event) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(event, heap[parent] as Event)) break;
    heap[at] = heap[parent] as Event;
    at = parent;
  }
  heap[at] = event;
}

function pop(heap: Event[]): Event | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  for (let child = 1; child < heap.length; child = 2 * at + 1) {
    const right = child + 1;
    if (right < heap.length && isBefore(heap[right] as Event, heap[child] as Event)) child = right;
    if (!isBefore(heap[child] as Event, last)) break;
    heap[at] = heap[child] as Event;
    at = child;
  }
  heap[at] = last;
  return first;
}
