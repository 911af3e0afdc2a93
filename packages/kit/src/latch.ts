/** Remembers a wake-up until somebody waits for it. */
export interface Latch {
  /** Ends the wait under way, or the next one at once. */
  wake(): void;
  /** True when it was woken since the last wait, or is within `maxMs`; false when the time is over or the signal aborts. */
  next(maxMs: number, signal?: AbortSignal): Promise<boolean>;
}

/** For one waiter at a time: however many wake-ups come between two waits, they count as one, and none is lost. */
export function createLatch(): Latch {
  let pending = false;
  let release: (() => void) | undefined;

  return {
    wake() {
      pending = true;
      release?.();
    },
    async next(maxMs, signal) {
      if (!pending && !signal?.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, maxMs);
          release = () => {
            clearTimeout(timer);
            resolve();
          };
          signal?.addEventListener('abort', release, { once: true });
        });
        if (release !== undefined) signal?.removeEventListener('abort', release);
        release = undefined;
      }
      const woken = pending;
      pending = false;
      return woken;
    },
  };
}
