/** Between a socket that pushes and a reader that pulls: tells the socket to pause while the reader is behind. */
export interface FrameQueue<T> {
  push(value: T): void;
  /** No more is pushed; the reader still gets what waits, then the end or the error. */
  end(error?: unknown): void;
  readonly isEnded: boolean;
  /** The next value, or undefined at the end. */
  next(): Promise<T | undefined>;
}

/** @param high values that may wait before `pause` is called; `resume` once half of them are read */
export function createFrameQueue<T>(high: number, flow: { pause: () => void; resume: () => void }): FrameQueue<T> {
  const waiting: T[] = [];
  let isPaused = false;
  let ended: { error?: unknown } | undefined;
  let wake = () => {};

  function takeFirst(): T | undefined {
    const value = waiting.shift();
    if (isPaused && waiting.length <= high / 2) {
      isPaused = false;
      flow.resume();
    }
    return value;
  }

  return {
    push(value) {
      if (ended !== undefined) return;
      waiting.push(value);
      if (!isPaused && waiting.length >= high) {
        isPaused = true;
        flow.pause();
      }
      wake();
    },
    end(error) {
      ended ??= error === undefined ? {} : { error };
      wake();
    },
    get isEnded() {
      return ended !== undefined;
    },
    async next() {
      while (waiting.length === 0 && ended === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (waiting.length === 0 && ended && 'error' in ended) throw ended.error;
      return takeFirst();
    },
  };
}
