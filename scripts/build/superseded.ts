import { readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A program that runs from an older bundle loads chunks of it for as long as it runs, and nobody tells us when it ends: what a
 * build no longer makes stays for so long after the build that replaced it. Whoever runs on for longer is to be started anew.
 */
const KEEP_SUPERSEDED_MS = 7 * 24 * 3600 * 1000;

/** What lies in a bundle's folder besides what its build made. */
const OURS = new Set(['assets', 'build.json']);

/**
 * Says of what the last build made that it was in use until now, since a file's own time only says when it was made. Has to be
 * called before the stamp, which alone knows what that is, goes.
 */
export function noteInUse(folder: string, outputs: readonly string[], now: number = Date.now()): void {
  for (const name of outputs) {
    const path = join(folder, name);
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) utimesSync(path, now / 1000, now / 1000);
  }
}

/** Removes what was superseded long ago, and what a build that was killed has left half-written. */
export function removeSuperseded(folder: string, current: ReadonlySet<string>, now: number = Date.now()): void {
  for (const name of readdirSync(folder)) {
    if (OURS.has(name) || current.has(name)) continue;
    const path = join(folder, name);
    // Another build may be at work here, and rename or remove what it has.
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat !== undefined && now - stat.mtimeMs > KEEP_SUPERSEDED_MS) rmSync(path, { recursive: true, force: true });
  }
}
