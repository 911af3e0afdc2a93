import { type FSWatcher, watch } from 'node:fs';

/** Tells that a file has changed, once each time it is armed. */
export interface Growth {
  /** The next change is told. Look at the file after arming, not before, or a change in between goes unnoticed. */
  arm(): void;
  close(): void;
}

/**
 * Watches by inotify. A writer of 100,000 lines a second would make as many events, so the watch is taken away with the
 * first one. Where watching does not work (no watches left, a file system without them, no file yet) nothing is told:
 * callers look by themselves now and then.
 */
export function createGrowth(path: string, onGrowth: () => void): Growth {
  let watcher: FSWatcher | undefined;

  function disarm(): void {
    watcher?.close();
    watcher = undefined;
  }

  function tell(): void {
    disarm();
    onGrowth();
  }

  return {
    arm() {
      if (watcher) return;
      try {
        watcher = watch(path, { persistent: false }, tell);
        watcher.once('error', disarm);
      } catch {
        disarm();
      }
    },
    close: disarm,
  };
}
