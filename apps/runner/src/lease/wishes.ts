import type { CancelLevel } from '@groundcrew/protocol';

/** What the server wants of the attempt, from whatever side it was heard: lease, agent, a refused call. */
export interface Wishes {
  /** How hard the task is being stopped; only rises. */
  readonly cancelLevel: CancelLevel;
  /** The attempt has lost its right to act; for good. */
  readonly fenced: boolean;
  /** Somebody watches the log. */
  readonly watched: boolean;
  /** Milliseconds between sends of the log that the server would like; undefined while it has not said. */
  readonly logIntervalMs: number | undefined;
  raise(level: CancelLevel): void;
  fence(): void;
  watch(watched: boolean, logIntervalMs?: number): void;
  /** Calls `listener` after every change; gives a function that ends it. */
  onChange(listener: () => void): () => void;
}

export function createWishes(): Wishes {
  const listeners = new Set<() => void>();
  const now = {
    cancelLevel: 0 as CancelLevel,
    fenced: false,
    watched: false,
    logIntervalMs: undefined as number | undefined,
  };
  function change(to: Partial<typeof now>): void {
    const before = JSON.stringify(now);
    Object.assign(now, to);
    if (JSON.stringify(now) !== before) for (const listener of [...listeners]) listener();
  }
  return {
    get cancelLevel() {
      return now.cancelLevel;
    },
    get fenced() {
      return now.fenced;
    },
    get watched() {
      return now.watched;
    },
    get logIntervalMs() {
      return now.logIntervalMs;
    },
    raise: (level) => change({ cancelLevel: Math.max(level, now.cancelLevel) as CancelLevel }),
    fence: () => change({ fenced: true }),
    watch: (watched, logIntervalMs) => change({ watched, logIntervalMs: logIntervalMs ?? now.logIntervalMs }),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
