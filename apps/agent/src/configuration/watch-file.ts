import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { createLatch } from '@groundcrew/kit';

export interface WatchFileOptions {
  /** Ends the watching. */
  signal: AbortSignal;
  /** How long a file must stay the same before it counts as written; 300 when not given. */
  settleMs?: number;
  /** How often to look where the kernel tells of no change, as on network file systems; 5,000 when not given. */
  lookEveryMs?: number;
  /** The {@link fingerprint} of what the caller has read; what stands there now when not given. */
  known?: string;
}

/**
 * Calls `onChange` when a file has become another one and stays so for a moment. Editors and configuration management replace files
 * by rename, and some write them in steps: so the folder is watched, not the file, and half a file is not read. Bind mounts and
 * network file systems tell of nothing, so it is looked at from time to time as well. Where it vanished it is told once it is missing
 * for good. Resolves when the signal aborts.
 */
export async function watchFile(path: string, onChange: () => void, options: WatchFileOptions): Promise<void> {
  const { signal, settleMs = 300, lookEveryMs = 5_000 } = options;
  let { known = fingerprint(path) } = options;
  const latch = createLatch();
  const watcher = watchFolder(dirname(path), latch.wake);
  // What happened before there was a watcher nobody tells of.
  latch.wake();
  while (!signal.aborted) {
    await latch.next(lookEveryMs, signal);
    const seen = fingerprint(path);
    if (signal.aborted || seen === known) continue;
    await sleep(settleMs, signal);
    // Still being written: what wakes us next finds the rest.
    if (fingerprint(path) !== seen) {
      latch.wake();
      continue;
    }
    known = seen;
    onChange();
  }
  watcher?.close();
}

/**
 * Which file stands there: another one, or one with other content, differs. Follows links, as those of mounted secrets. Taken before
 * the file is read, it lets a watch that begins later find what changed in between.
 */
export function fingerprint(path: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return `${ino}:${size}:${mtimeNs}:${ctimeNs}`;
  } catch {
    return 'none';
  }
}

/** Undefined where nothing can be watched, be it for the kernel's limit of watches: then looking has to do. */
function watchFolder(folder: string, wake: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, wake);
    watcher.on('error', wake);
    return watcher;
  } catch {
    return undefined;
  }
}

const sleep = (ms: number, signal: AbortSignal): Promise<unknown> => createLatch().next(ms, signal);
