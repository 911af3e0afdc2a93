import type { TaskId } from '@groundcrew/protocol';
import type { Bus } from '../../platform/bus/index.ts';

const CHANNEL = 'watched';
/** How long a replica's word that somebody watches counts; it is repeated three times as often. */
const WORD_MS = 30_000;

/** How often a runner sends its log, in milliseconds. */
export const LOG_INTERVAL_MS = { watched: 50, unwatched: 1_000 } as const;

/**
 * Who is being watched, over all replicas. Watching changes only how often a log is sent, never what is kept, so a word
 * that is lost or late costs at most some latency.
 */
export function createWatchRegistry(bus: Bus, now: () => number, onChange: (taskId: TaskId, watched: boolean) => void) {
  const here = new Map<TaskId, number>();
  const elsewhere = new Map<TaskId, number>();
  const unsubscribe = bus.subscribe(CHANNEL, (id) => hear(id as TaskId));
  const timer = setInterval(repeat, WORD_MS / 3);
  timer.unref();

  function hear(taskId: TaskId): void {
    // Our own word comes back to us; another replica that watches as well repeats its own soon enough.
    if (here.has(taskId)) return;
    const before = isWatched(taskId);
    elsewhere.set(taskId, now() + WORD_MS);
    if (!before) onChange(taskId, true);
  }

  function repeat(): void {
    for (const taskId of here.keys()) bus.publish(CHANNEL, taskId);
    for (const [taskId, until] of elsewhere) {
      if (until > now()) continue;
      elsewhere.delete(taskId);
      if (!isWatched(taskId)) onChange(taskId, false);
    }
  }

  function isWatched(taskId: TaskId): boolean {
    return here.has(taskId) || (elsewhere.get(taskId) ?? 0) > now();
  }

  return {
    isWatched,
    intervalMs: (taskId: TaskId): number => (isWatched(taskId) ? LOG_INTERVAL_MS.watched : LOG_INTERVAL_MS.unwatched),
    /** Counts a viewer until the returned function is called. */
    watch(taskId: TaskId): () => void {
      here.set(taskId, (here.get(taskId) ?? 0) + 1);
      bus.publish(CHANNEL, taskId);
      onChange(taskId, true);
      return () => {
        const left = (here.get(taskId) ?? 1) - 1;
        if (left > 0) here.set(taskId, left);
        else here.delete(taskId);
        if (!isWatched(taskId)) onChange(taskId, false);
      };
    },
    close(): void {
      clearInterval(timer);
      unsubscribe();
    },
  };
}
export type WatchRegistry = ReturnType<typeof createWatchRegistry>;
